"""A cycle's records merged by identity: a fold, so order, duplicates, replays and lateness change nothing.

Source: the design's arithmetic, rules 1 and 2.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from operator import attrgetter
from typing import NamedTuple

from cycletrace._internal.flow.records import (
    Alias,
    Close,
    Heartbeat,
    Mark,
    Record,
    RecordOrigin,
    Stage,
    Wait,
    cut,
    first_after,
)
from cycletrace.conventions import LOST


class State(NamedTuple):
    """What is known of a cycle at an instant, each stage and wait once, and when more of it becomes known."""

    origin: RecordOrigin
    implicit: bool
    stages: list[Stage]
    waits: list[Wait]
    marks: list[Mark]
    closes: list[Close]
    heartbeats: dict[str, int]
    """The latest heartbeat of a stage."""
    leases: dict[str, int]
    """The longest lease, in seconds, that a stage's start or heartbeats promise."""
    latest: int | None
    """The latest instant in any record that is known; ``None`` where nothing is known yet."""
    next_instant: int | None
    """The earliest later instant in any record, at which more of it is known; ``None`` where all of it is."""


def merge(cycle_id: str, records: Iterable[Record], at: int) -> State:
    """Return the state of a cycle at an instant (UTC nanoseconds)."""
    stages: dict[str, Stage] = {}
    waits: dict[str, Wait] = {}
    marks: list[Mark] = []
    closes: list[Close] = []
    heartbeats: dict[str, int] = {}
    leases: dict[str, int] = {}
    starts: dict[RecordOrigin, list[int]] = defaultdict(list)
    instants: list[int] = []
    later: list[int] = []
    for whole in records:
        record = cut(whole, at)
        if record is not whole:
            later.append(first_after(whole, at))
        if record is None:
            continue
        if isinstance(record, Stage):
            start, end = record.start, record.end
            _keep_lease(leases, record.id, record.lease)
            known = stages.get(record.id)
            stages[record.id] = record if known is None else max(known, record, key=_stage_precedence)
        elif isinstance(record, Wait):
            start, end = record.start, record.end
            opened = waits.get(record.id)
            waits[record.id] = record if opened is None else max(opened, record, key=_wait_precedence)
        else:
            start, end = record.at, None
            if isinstance(record, Heartbeat):
                _keep_lease(leases, record.stage, record.lease)
                heartbeats[record.stage] = max(record.at, heartbeats.get(record.stage, record.at))
            elif isinstance(record, Mark):
                marks.append(record)
            elif isinstance(record, Close):
                closes.append(record)
            else:
                assert isinstance(record, Alias)  # whose records are whose is decided before
        starts[record.origin].append(start)
        instants += (start,) if end is None else (start, end)
    return State(
        origin=_origin(cycle_id, starts),
        implicit=all(origin.implicit for origin in starts),
        stages=sorted(stages.values(), key=_by_start),
        waits=sorted(waits.values(), key=_by_start),
        marks=marks,
        closes=closes,
        heartbeats=heartbeats,
        leases=leases,
        latest=max(instants, default=None),
        next_instant=min(later, default=None),
    )


_by_start = attrgetter("start", "id")


def _keep_lease(leases: dict[str, int], stage: str, lease: int | None) -> None:
    if lease is not None:
        leases[stage] = max(lease, leases.get(stage, lease))


def _stage_precedence(stage: Stage) -> tuple[int | str, ...]:
    """Rank a run before a lost run before a start; then the later end, then the later start. Of starts the earliest.

    The text decides where all of that is equal, so that the result never depends on the order of arrival.
    """
    if stage.end is None:
        return 0, -stage.start, repr(stage)
    return (1 if stage.outcome == LOST else 2), stage.end, stage.start, repr(stage)


def _wait_precedence(wait: Wait) -> tuple[int | str, ...]:
    if wait.end is None:
        return 0, -wait.start, repr(wait)
    return 1, wait.end, wait.start, repr(wait)


def _origin(cycle_id: str, starts: Mapping[RecordOrigin, list[int]]) -> RecordOrigin:
    """Take each field from the latest-starting record that has it, ties the greatest text; the key from own records."""
    latest = [(max(instants), origin) for origin, instants in starts.items()]

    def stated(field: str) -> str | None:
        values = [
            (start, value)
            for start, origin in latest
            if (value := getattr(origin, field)) and (field != "key" or origin.cycle_id == cycle_id)
        ]
        return max(values)[1] if values else None

    return RecordOrigin(
        cycle_id,
        stated("key"),
        stated("namespace"),
        stated("model"),
        stated("domain"),
        stated("version"),
        stated("trigger"),
    )
