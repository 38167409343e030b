"""From folded cycles to metrics, revisions and derived spans, each once. All in one transaction."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from cycletrace import conventions as words
from cycletrace._internal.collector.derived import derive, sent_of
from cycletrace._internal.collector.instruments import CYCLE_ROLLED_BACK, RECORD_LATE, RECORD_REJECTED
from cycletrace._internal.collector.observing import Observation, labels_of, observations
from cycletrace._internal.collector.series import SECOND, Accumulator
from cycletrace._internal.flow import CycleTarget, is_counted, met_target
from cycletrace._internal.store import Refolded, Transaction

MAX_OUTBOX = 100_000
"""Requests that wait for one backend. What is older is dropped, and logged."""


class Telling(NamedTuple):
    """How cycles are counted. ``grace`` is nanoseconds; ``destinations`` are where derived spans go."""

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
    tx: Transaction,
    accumulator: Accumulator,
    refolded: Iterable[Refolded],
    telling: Telling,
    now: int,
) -> None:
    """Begin series, count late records and revise observed facts, as new folds require."""
    for cycle_id, owner, facts, new_records in refolded:
        counted = tx.observed(cycle_id)
        if counted is None:
            if facts is None:
                if new_records and owner != cycle_id and tx.observed(owner) is not None:
                    accumulator.add([Observation(RECORD_LATE, (), new_records)], now)
            elif is_counted(facts):
                tx.include(cycle_id)
                if facts["outcome"] != words.OPEN:
                    accumulator.begin(observations(facts, met_target(facts, telling.target)), now)
            continue
        if new_records:
            accumulator.add([Observation(RECORD_LATE, (), new_records)], now)
        tx.revise(cycle_id, now, facts)
        if facts is not None and facts["outcome"] == words.ROLLED_BACK and tx.roll_back(cycle_id):
            exemplar = (cycle_id, words.root_span_id(cycle_id))
            accumulator.add([Observation(CYCLE_ROLLED_BACK, labels_of(counted), 1)], now, exemplar)


def tell(tx: Transaction, accumulator: Accumulator, telling: Telling, now: int, limit: int) -> tuple[int, int]:
    """Observe cycles whose grace is over, at most so many.

    Returns:
        How many were looked at, and how many waiting requests were dropped to make room for new ones.
    """
    closed = tx.unobserved(now - telling.grace, limit)
    for facts in closed:
        if not is_counted(facts):
            tx.exclude(facts["cycle_id"])
            continue
        within = met_target(facts, telling.target)
        exemplar = (facts["cycle_id"], words.root_span_id(facts["cycle_id"]))
        accumulator.add(observations(facts, within), now, exemplar)
        tx.observe(facts, now)
        if facts["outcome"] == words.ROLLED_BACK:
            tx.roll_back(facts["cycle_id"])
        if telling.destinations:
            sent = sent_of(facts["cycle_id"], tx.records_of(facts["cycle_id"], now))
            body = derive(facts, sent, now, within)
            for destination in telling.destinations:
                tx.post(destination, body)
    dropped = sum(tx.drop_oldest(one, MAX_OUTBOX) for one in telling.destinations) if closed else 0
    return len(closed), dropped
