"""Taking in records. What was taken in already changes nothing, so every sender may repeat itself."""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from cycletrace.flow import Alias, Record
from cycletrace.store.codec import encode
from cycletrace.store.components import claim_of, claims_at, component_of
from cycletrace.store.decode import sound
from cycletrace.store.schema import DUE_NOW

PRUNED = "the cycle's records were pruned"

_KEPT = 1000
"""Rejected records whose beginnings are kept; of older ones there is the count."""
_EXCERPT = 500
"""Characters kept of a rejected record."""


class Added(NamedTuple):
    """What came of a batch of records."""

    new: int
    refused: int
    """Records of cycles that were pruned: they are counted among the rejected."""


def add(connection: sqlite3.Connection, records: Iterable[Record], now: int) -> Added:
    """Take in records within the open transaction, and note which cycles are to be folded anew.

    ``now`` (UTC nanoseconds) dates what is refused.
    """
    by_cycle: dict[str, list[Record]] = defaultdict(list)
    for record in records:
        by_cycle[record.origin.cycle_id].append(record)
    pruned = _Pruned(connection)
    new = refused = 0
    for cycle_id in sorted(by_cycle):  # in the order of the key: neighbours share pages
        batch = pruned.without(cycle_id, by_cycle[cycle_id], now)
        refused += len(by_cycle[cycle_id]) - len(batch)
        new += _add_to_cycle(connection, cycle_id, batch)
    return Added(new, refused)


def reject(connection: sqlite3.Connection, now: int, reason: str, excerpt: str) -> None:
    """Count a record that cannot be used and keep its beginning, within the open transaction.

    A reason must not hold what a sender wrote: reasons are counted, each by itself.
    """
    connection.execute(
        "INSERT INTO rejections (reason, count) VALUES (?, 1) ON CONFLICT (reason) DO UPDATE SET count = count + 1",
        (reason,),
    )
    connection.execute(
        "INSERT INTO rejected (at, reason, excerpt) VALUES (?, ?, ?)", (now, reason, sound(excerpt[:_EXCERPT]))
    )
    connection.execute("DELETE FROM rejected WHERE id <= (SELECT max(id) FROM rejected) - ?", (_KEPT,))


class _Pruned:
    """Which ids' records were pruned, asked once for all that are tied together."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._has_any = connection.execute("SELECT 1 FROM cycles WHERE pruned LIMIT 1").fetchone() is not None
        self._known: dict[str, bool] = {}

    def without(self, cycle_id: str, records: list[Record], now: int) -> list[Record]:
        """The records without those whose cycle was pruned, which are rejected: a fold would lack the rest."""
        if not self._has_any:
            return records
        accepted = []
        for record in records:
            if self._is_pruned(cycle_id) or (isinstance(record, Alias) and self._is_pruned(record.alias_id)):
                reject(self._connection, now, PRUNED, encode(record))
            else:
                accepted.append(record)
        return accepted

    def _is_pruned(self, cycle_id: str) -> bool:
        if cycle_id not in self._known:
            ids = component_of(self._connection, cycle_id).ids
            found = any(
                self._connection.execute("SELECT 1 FROM cycles WHERE pruned AND cycle_id = ?", (tied,)).fetchone()
                for tied in ids
            )
            self._known.update(dict.fromkeys(ids, found))
        return self._known[cycle_id]


def _add_to_cycle(connection: sqlite3.Connection, cycle_id: str, records: list[Record]) -> int:
    """Take in the records of one id. Returns how many are new."""
    before = connection.total_changes
    connection.executemany(
        "INSERT OR IGNORE INTO records (cycle_id, body) VALUES (?, ?)",
        [(cycle_id, encode(record)) for record in records],
    )
    new = connection.total_changes - before
    if not new:
        return 0
    aliases = [record for record in records if isinstance(record, Alias)]
    keys = {(record.origin.key, cycle_id) for record in records if record.origin.key}
    keys.update((alias.key, alias.alias_id) for alias in aliases)
    connection.executemany("INSERT OR IGNORE INTO keys (key, cycle_id) VALUES (?, ?)", keys)
    connection.execute(
        "INSERT INTO cycles (cycle_id, fresh) VALUES (?1, ?2) ON CONFLICT (cycle_id) DO UPDATE SET fresh = fresh + ?2",
        (cycle_id, new),
    )
    _have_folded(connection, {cycle_id, *_claim(connection, cycle_id, aliases)})
    return new


def _claim(connection: sqlite3.Connection, cycle_id: str, aliases: Iterable[Alias]) -> Iterator[str]:
    """Note claims of a cycle. Yields the ids that hang together otherwise than before."""
    for alias in aliases:
        before = claim_of(connection, alias.alias_id)
        connection.execute(
            "INSERT OR IGNORE INTO claims (alias_id, at, cycle_id) VALUES (?, ?, ?)",
            (alias.alias_id, alias.at, cycle_id),
        )
        if claim_of(connection, alias.alias_id) != before:
            yield alias.alias_id
            if before is not None:
                yield before.cycle_id


def _have_folded(connection: sqlite3.Connection, ids: set[str]) -> None:
    """Have the cycles of these ids folded anew, with all that claims tie to them, since their facts hang together.

    Where one is to be folded already, all that is tied to it is, too: so a component is walked once for each fold,
    however many records arrive for it.
    """
    seen = set(ids)
    unseen = list(ids)
    while unseen:
        current = unseen.pop()
        row = connection.execute("SELECT due IS ? FROM cycles WHERE cycle_id = ?", (DUE_NOW, current)).fetchone()
        if row == (1,):
            continue
        connection.execute(
            "UPDATE cycles SET due = ?, stable_from = NULL, facts = NULL WHERE cycle_id = ?", (DUE_NOW, current)
        )
        for claim in claims_at(connection, current):
            tied = {claim.alias_id, claim.cycle_id} - seen
            seen |= tied
            unseen += tied
