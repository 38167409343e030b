"""Completion of closed cycles: each is exported once, as metrics and derived spans, and its later facts as revisions.

A cycle is complete a grace period after it closed. Every change here belongs to one transaction.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence
from typing import NamedTuple

from cycletrace import conventions as c
from cycletrace._internal.collector.derived import derive, sent_of
from cycletrace._internal.collector.instruments import (
    Observation,
    Records,
    cycle_labels,
    declared,
    instrument,
    observations,
)
from cycletrace._internal.collector.series import Accumulator
from cycletrace._internal.flow import Facts, Targets, is_counted, met_target
from cycletrace._internal.flow.rules import SECOND
from cycletrace._internal.store import Refolded, Transaction

MAX_OUTBOX = 100_000
"""Requests that wait for one backend. Older ones are dropped, and logged."""


class Completion(NamedTuple):
    """Settings of completion. ``grace`` is nanoseconds; ``destinations`` are the URLs that derived spans go to."""

    grace: int = 60 * SECOND
    destinations: Sequence[str] = ()


def begin_record_counters(accumulator: Accumulator, at: int) -> None:
    """Start the counters of records at zero."""
    accumulator.begin([Observation(counter, (), 0) for counter, _ in declared(Records)], at)


def count_records(accumulator: Accumulator, name: str, count: int, at: int) -> None:
    """Add records to the counter with this name."""
    if count:
        accumulator.add([Observation(instrument(name), (), count)], at)


def count_rejected(tx: Transaction, accumulator: Accumulator, at: int) -> None:
    """Bring the counter of rejected records up to what the store has counted of them."""
    count_records(accumulator, c.RECORD_REJECTED, max(0, tx.rejected() - accumulator.total(c.RECORD_REJECTED)), at)


def apply_refolds(tx: Transaction, accumulator: Accumulator, refolded: Iterable[Refolded], now: int) -> None:
    """Begin the series of cycles that closed; count late records, and revise facts that were observed already."""
    targets = tx.settings().targets
    for cycle_id, owner, facts, new_records in refolded:
        observed = tx.observed(cycle_id)
        if observed is None:
            if facts is None:
                if owner != cycle_id and tx.observed(owner) is not None:
                    count_records(accumulator, c.RECORD_LATE, new_records, now)
            elif is_counted(facts):
                tx.include(cycle_id)
                if facts["outcome"] != c.OPEN:
                    accumulator.begin(observations(facts, _is_within(facts, targets)), now)
            continue
        count_records(accumulator, c.RECORD_LATE, new_records, now)
        tx.revise(cycle_id, now, facts)
        if facts is not None and facts["outcome"] == c.ROLLED_BACK and tx.roll_back(cycle_id):
            counter = instrument(c.CYCLE_ROLLED_BACK)
            exemplar = (cycle_id, c.root_span_id(cycle_id))
            accumulator.add([Observation(counter, cycle_labels(counter, observed), 1)], now, exemplar)


def observe_closed(
    tx: Transaction,
    accumulator: Accumulator,
    completion: Completion,
    now: int,
    limit: int,
    arriving: Container[str] = (),
) -> tuple[int, int]:
    """Observe cycles whose grace period is over, up to a limit, and post their derived spans.

    Those ``arriving`` wait: the rest of a request with their records is yet to be stored.

    Returns:
        How many cycles were complete, and how many waiting requests were dropped to make room for new ones.
    """
    targets = tx.settings().targets
    closed = [one for one in tx.unobserved(now - completion.grace, limit) if one["cycle_id"] not in arriving]
    for facts in closed:
        if not is_counted(facts):
            tx.exclude(facts["cycle_id"])
            continue
        within = _is_within(facts, targets)
        exemplar = (facts["cycle_id"], c.root_span_id(facts["cycle_id"]))
        accumulator.add(observations(facts, within), now, exemplar)
        tx.observe(facts, now)
        if facts["outcome"] == c.ROLLED_BACK:
            tx.roll_back(facts["cycle_id"])
        if completion.destinations:
            sent = sent_of(facts["cycle_id"], tx.records_of(facts["cycle_id"], now))
            body = derive(facts, sent, now, within)
            for destination in completion.destinations:
                tx.post(destination, body)
    dropped = sum(tx.drop_oldest(one, MAX_OUTBOX) for one in completion.destinations) if closed else 0
    return len(closed), dropped


def _is_within(facts: Facts, targets: Targets) -> bool:
    """Return whether a cycle met the target of its namespace and model."""
    return met_target(facts, targets.of(facts["namespace"], facts["model"]))
