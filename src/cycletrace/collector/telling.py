"""From folded cycles to what is told of them: metrics once, revisions, derived spans. All in one transaction."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from cycletrace import conventions as words
from cycletrace.collector.derived import derive, sent_of
from cycletrace.collector.instruments import CYCLE_ROLLED_BACK, RECORD_LATE, RECORD_REJECTED
from cycletrace.collector.observing import Observation, labels_of, observations
from cycletrace.collector.series import SECOND, Accumulator
from cycletrace.collector.state import drop_oldest, post
from cycletrace.flow import CycleTarget, is_counted, met_target
from cycletrace.store import Refolded
from cycletrace.store.components import component_of, records_of
from cycletrace.store.observed import leave_out, observe, observed, ready, revise, roll_back, take_up


class Telling(NamedTuple):
    """How cycles are told. ``grace`` is nanoseconds; ``destinations`` are where derived spans go."""

    target: CycleTarget
    grace: int = 60 * SECOND
    destinations: Sequence[str] = ()


def begin_all(accumulator: Accumulator, at: int) -> None:
    """Start at zero what has no labels."""
    accumulator.begin([Observation(RECORD_LATE, (), 0), Observation(RECORD_REJECTED, (), 0)], at)


def reject(accumulator: Accumulator, count: int, at: int) -> None:
    """Count records that could not be taken."""
    if count:
        accumulator.add([Observation(RECORD_REJECTED, (), count)], at)


def note(
    connection: sqlite3.Connection,
    accumulator: Accumulator,
    refolded: Iterable[Refolded],
    telling: Telling,
    now: int,
) -> None:
    """See to what follows from new folds: series begin, late records are counted, told facts are revised."""
    for cycle_id, owner, facts, fresh in refolded:
        told = observed(connection, cycle_id)
        if told is None:
            if facts is None:
                if fresh and owner != cycle_id and observed(connection, owner) is not None:
                    accumulator.add([Observation(RECORD_LATE, (), fresh)], now)
            elif is_counted(facts):
                take_up(connection, cycle_id)
                if facts["outcome"] != words.OPEN:
                    accumulator.begin(observations(facts, met_target(facts, telling.target)), now)
            continue
        if fresh:
            accumulator.add([Observation(RECORD_LATE, (), fresh)], now)
        revise(connection, cycle_id, now, facts)
        if facts is not None and facts["outcome"] == words.ROLLED_BACK and roll_back(connection, cycle_id):
            exemplar = (cycle_id, words.root_span_id(cycle_id))
            accumulator.add([Observation(CYCLE_ROLLED_BACK, labels_of(told), 1)], now, exemplar)


def tell(
    connection: sqlite3.Connection, accumulator: Accumulator, telling: Telling, now: int, limit: int
) -> tuple[int, int]:
    """Observe cycles whose grace is over, at most so many.

    Returns how many were looked at, and how many waiting requests were dropped to make room for new ones.
    """
    closed = ready(connection, now - telling.grace, limit)
    for facts in closed:
        if not is_counted(facts):
            leave_out(connection, facts["cycle_id"])
            continue
        within = met_target(facts, telling.target)
        exemplar = (facts["cycle_id"], words.root_span_id(facts["cycle_id"]))
        accumulator.add(observations(facts, within), now, exemplar)
        observe(connection, facts, now)
        if facts["outcome"] == words.ROLLED_BACK:
            roll_back(connection, facts["cycle_id"])
        if telling.destinations:
            component = component_of(connection, facts["cycle_id"])
            owners = component.owners(now)
            own = [
                record
                for record in records_of(connection, component)
                if owners[record.origin.cycle_id] == facts["cycle_id"]
            ]
            body = derive(facts, sent_of(facts["cycle_id"], own), now, within)
            for destination in telling.destinations:
                post(connection, destination, body)
    dropped = sum(drop_oldest(connection, destination) for destination in telling.destinations) if closed else 0
    return len(closed), dropped
