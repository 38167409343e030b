"""A cycle's records merged by identity: a fold, so order, duplicates, replays and lateness change nothing.

Source: the specification, rules 2.3, 2.6, 2.7 and 2.8.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from operator import attrgetter
from typing import NamedTuple, TypeVar

from cycletrace._internal.flow.ends import Begun, pair_ends
from cycletrace._internal.flow.records import (
    Alias,
    Close,
    End,
    Heartbeat,
    Mark,
    Record,
    RecordOrigin,
    Retraction,
    Stage,
    Wait,
    cut,
    first_after,
    ids_of,
    retracted,
)
from cycletrace._internal.flow.rules import Rules
from cycletrace.conventions import LOST

T = TypeVar("T", Stage, Wait, End)


class State(NamedTuple):
    """What is known of a cycle at an instant, each stage and wait once, and when more of it becomes known."""

    origin: RecordOrigin
    implicit: bool
    stages: list[Stage]
    """By start and id, as :attr:`waits`."""
    waits: list[Wait]
    """Those of a stage that nobody knows are the cycle's."""
    marks: list[Mark]
    closes: list[Close]
    heartbeats: dict[str, int]
    """The latest heartbeat of a stage."""
    leases: dict[str, int]
    """The longest lease, in seconds, that a stage's start or heartbeats promise."""
    unmatched_ends: int
    """How many ends found no begin."""
    latest: int | None
    """The latest instant in any record that is known; ``None`` where nothing is known yet, or all was retracted."""
    next_instant: int | None
    """The earliest later instant in any record, at which more of it is known; ``None`` where all of it is."""


def merge(cycle_id: str, records: Collection[Record], at: int, rules: Rules) -> State:
    """Return the state of a cycle at an instant (UTC nanoseconds)."""
    mistakes = retracted(records, at)
    if mistakes:
        records = [record for record in records if mistakes.isdisjoint(ids_of(record))]
    stages: dict[str, Stage] = {}
    waits: dict[str, Wait] = {}
    begun_stages: dict[str, Stage] = {}
    begun_waits: dict[str, Wait] = {}
    ends: dict[str, End] = {}
    marks: list[Mark] = []
    closes: list[Close] = []
    heartbeats: dict[str, int] = {}
    leases: dict[str, int] = {}
    starts: dict[RecordOrigin, list[int]] = defaultdict(list)
    instants: list[int] = []
    later: list[int] = []
    is_known = False
    for whole in records:
        record = cut(whole, at)
        if record is not whole:
            later.append(first_after(whole, at))
        if record is None:
            continue
        is_known = is_known or not isinstance(record, Retraction)
        if isinstance(record, Stage):
            start, end = record.start, record.end
            _keep_lease(leases, record.id, record.lease)
            _keep(stages, record, _stage_precedence)
            if record.is_begin:
                _keep(begun_stages, record, _stage_precedence)
        elif isinstance(record, Wait):
            start, end = record.start, record.end
            _keep(waits, record, _wait_precedence)
            if record.is_begin:
                _keep(begun_waits, record, _wait_precedence)
        else:
            start, end = record.at, None
            if isinstance(record, Heartbeat):
                _keep_lease(leases, record.stage, record.lease)
                heartbeats[record.stage] = max(record.at, heartbeats.get(record.stage, record.at))
            elif isinstance(record, Mark):
                marks.append(record)
            elif isinstance(record, Close):
                closes.append(record)
            elif isinstance(record, End):
                _keep(ends, record, _end_precedence)
            else:
                assert isinstance(record, (Alias, Retraction))  # whose records are whose is decided before
        starts[record.origin].append(start)
        instants += (start,) if end is None else (start, end)
    unmatched = 0
    if ends:
        of_stages = [one for one in ends.values() if not one.is_wait]
        of_waits = [one for one in ends.values() if one.is_wait]
        unmatched = len(ends) - _end_stages(stages, begun_stages, of_stages, rules.tolerance)
        unmatched -= _end_waits(waits, begun_waits, of_waits, rules.tolerance)
    return State(
        origin=_origin(cycle_id, starts),
        implicit=all(origin.implicit for origin in starts),
        stages=sorted(stages.values(), key=_by_start),
        waits=[
            wait if wait.stage in stages else wait._replace(stage=None, is_summed=False)
            for wait in sorted(waits.values(), key=_by_start)
        ],
        marks=marks,
        closes=closes,
        heartbeats=heartbeats,
        leases=leases,
        unmatched_ends=unmatched,
        latest=max(instants) if is_known else None,
        next_instant=min(later, default=None),
    )


def attempts_of(stages: Iterable[Stage]) -> dict[str, int]:
    """Map the id of each stage to its attempt: as given, else its place among the runs of its name.

    The stages must be in order of start and id.
    """
    runs: dict[str, int] = {}
    attempts: dict[str, int] = {}
    for stage in stages:
        runs[stage.name] = place = runs.get(stage.name, 0) + 1
        attempts[stage.id] = place if stage.attempt is None else stage.attempt
    return attempts


_by_start = attrgetter("start", "id")


def _end_stages(stages: dict[str, Stage], begun: Mapping[str, Stage], ends: Iterable[End], tolerance: int) -> int:
    """End, in place, the stages whose begins these ends mean, and return how many."""
    attempts = attempts_of(sorted(stages.values(), key=_by_start))
    is_open = {one.id for one in stages.values() if one.end is None or one.outcome == LOST}
    begins = [
        Begun(one.start, one.id, one.name, one.environment, attempts[one.id])
        for one in begun.values()
        if one.id in is_open
    ]
    ended = pair_ends(ends, begins, tolerance)
    for stage, end in ended.items():
        begin = begun[stage]
        run = begin._replace(
            end=max(begin.start, end.at), outcome=end.outcome, mechanism=end.mechanism or begin.mechanism
        )
        _keep(stages, run, _stage_precedence)
    return len(ended)


def _end_waits(waits: dict[str, Wait], begun: Mapping[str, Wait], ends: Iterable[End], tolerance: int) -> int:
    """End, in place, the waits whose begins these ends mean, and return how many."""
    begins = [Begun(one.start, one.id, one.reason) for one in begun.values() if waits[one.id].end is None]
    ended = pair_ends(ends, begins, tolerance)
    for wait, end in ended.items():
        _keep(waits, begun[wait]._replace(end=max(begun[wait].start, end.at)), _wait_precedence)
    return len(ended)


def _keep(records: dict[str, T], record: T, precedence: Callable[[T], tuple[int | str, ...]]) -> None:
    """Keep, of two records of one id, the one that takes precedence."""
    known = records.get(record.id)
    records[record.id] = record if known is None else max(known, record, key=precedence)


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


def _end_precedence(end: End) -> tuple[int | str, ...]:
    return end.at, repr(end)


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
