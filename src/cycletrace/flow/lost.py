"""What became of stages and waits that nobody ended.

Source: the design's arithmetic, rule 6.
"""

from __future__ import annotations

from typing import NamedTuple

from cycletrace.conventions import LOST
from cycletrace.flow.merge import State
from cycletrace.flow.outcome import Ending
from cycletrace.flow.records import Stage, Wait
from cycletrace.flow.rules import SECOND


class Settled(NamedTuple):
    """Stages and waits with their ends, and how many waits were never closed although what they held up ended."""

    stages: list[Stage]
    waits: list[Wait]
    unclosed: int


def settle(state: State, ending: Ending, at: int) -> Settled:
    """Give each unended stage and wait its end. ``None`` stays where it still lasts at this instant."""
    last_words = _last_words(state)
    stages = [
        stage._replace(end=last_words[stage.id], outcome=LOST)
        if stage.end is None and _is_lost(last_words[stage.id], state.leases.get(stage.id), ending, at)
        else stage
        for stage in state.stages
    ]
    ends = {stage.id: stage.end for stage in stages}
    waits = []
    unclosed = 0
    for wait in state.waits:
        if wait.stage is not None and wait.stage not in ends:
            wait = wait._replace(stage=None)
        if wait.end is None:
            end = ends[wait.stage] if wait.stage is not None else ending.end if ending.is_closed else None
            if end is not None:
                wait = wait._replace(end=end)
                unclosed += 1
        waits.append(wait)
    return Settled(stages, waits, unclosed)


def _is_lost(last_word: int, lease: int | None, ending: Ending, at: int) -> bool:
    """Once its cycle is closed, or once the longest lease it promised has run out. No promise, no proof."""
    return ending.is_closed or (lease is not None and at > last_word + lease * SECOND)


def _last_words(state: State) -> dict[str, int]:
    """The last word of each unended stage: its start, its latest heartbeat, an instant of an own wait."""
    words = {
        stage.id: max(stage.start, state.heard.get(stage.id, stage.start))
        for stage in state.stages
        if stage.end is None
    }
    for wait in state.waits:
        if wait.stage in words:
            words[wait.stage] = max(words[wait.stage], wait.start, wait.start if wait.end is None else wait.end)
    return words
