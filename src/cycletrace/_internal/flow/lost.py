"""What became of stages and waits that nobody ended.

Source: the specification, rules 2.22, 2.23 and 2.25.
"""

from __future__ import annotations

from typing import NamedTuple

from cycletrace._internal.flow.merge import State
from cycletrace._internal.flow.outcome import Ending
from cycletrace._internal.flow.records import Stage, Wait
from cycletrace._internal.flow.rules import SECOND
from cycletrace.conventions import LOST


class Ended(NamedTuple):
    """Stages and waits with their ends."""

    stages: list[Stage]
    waits: list[Wait]
    unclosed: int
    """How many waits were never closed although what they held up ended."""
    next_lost: int | None
    """When the next running stage counts as lost if it stays silent (UTC nanoseconds); ``None`` where none will."""
    lost_from: int | None
    """Since when all stages that count as lost for their silence have done so; ``None`` where none does."""


def close_unended(state: State, ending: Ending, at: int) -> Ended:
    """Give each unended stage and wait its end. ``None`` stays where it still lasts at this instant."""
    last_signs = _last_signs(state)
    stages: list[Stage] = []
    silences: list[int] = []
    for stage in state.stages:
        if stage.end is None:
            lost_from = _lost_from(last_signs[stage.id], state.leases.get(stage.id))
            if lost_from is not None and not ending.is_closed:
                silences.append(lost_from)
            if ending.is_closed or (lost_from is not None and lost_from <= at):
                stage = stage._replace(end=last_signs[stage.id], outcome=LOST)
        stages.append(stage)
    ends = {stage.id: stage.end for stage in stages}
    waits = []
    unclosed = 0
    for wait in state.waits:
        if wait.end is None:
            end = ends[wait.stage] if wait.stage is not None else ending.end if ending.is_closed else None
            if end is not None:
                wait = wait._replace(end=end)
                unclosed += 1
        waits.append(wait)
    return Ended(
        stages,
        waits,
        unclosed,
        min((instant for instant in silences if instant > at), default=None),
        max((instant for instant in silences if instant <= at), default=None),
    )


def _lost_from(last_sign: int, lease: int | None) -> int | None:
    """Return when a silent stage counts as lost: past the longest lease it promised. No promise, no proof."""
    return None if lease is None else last_sign + lease * SECOND + 1


def _last_signs(state: State) -> dict[str, int]:
    """Return each unended stage's last sign of life: its start, its latest heartbeat, an instant of an own wait."""
    signs = {
        stage.id: max(stage.start, state.heartbeats.get(stage.id, stage.start))
        for stage in state.stages
        if stage.end is None
    }
    for wait in state.waits:
        if wait.stage in signs:
            signs[wait.stage] = max(signs[wait.stage], wait.start, wait.start if wait.end is None else wait.end)
    return signs
