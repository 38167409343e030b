"""Taking in records. What was taken in already changes nothing, so every sender may repeat itself."""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Iterable
from typing import NamedTuple

from cycletrace.flow import Alias, Record
from cycletrace.store.codec import encode
from cycletrace.store.components import component_of
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
    has_pruned = connection.execute("SELECT 1 FROM cycles WHERE pruned LIMIT 1").fetchone() is not None
    new = refused = 0
    for cycle_id in sorted(by_cycle):  # in the order of the key: neighbours share pages
        batch = by_cycle[cycle_id]
        if has_pruned:
            accepted = _without_pruned(connection, cycle_id, batch, now)
            refused += len(batch) - len(accepted)
            batch = accepted
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


def _without_pruned(connection: sqlite3.Connection, cycle_id: str, records: list[Record], now: int) -> list[Record]:
    """The records without those whose cycle was pruned, which are rejected: a fold would lack the rest."""
    is_pruned = _is_pruned(connection, cycle_id)
    accepted = []
    for record in records:
        if is_pruned or (isinstance(record, Alias) and _is_pruned(connection, record.alias_id)):
            reject(connection, now, PRUNED, encode(record))
        else:
            accepted.append(record)
    return accepted


def _is_pruned(connection: sqlite3.Connection, cycle_id: str) -> bool:
    return any(
        connection.execute("SELECT 1 FROM cycles WHERE pruned AND cycle_id = ?", (tied,)).fetchone()
        for tied in component_of(connection, cycle_id).ids
    )


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
    connection.executemany(
        "INSERT OR IGNORE INTO claims (alias_id, at, cycle_id) VALUES (?, ?, ?)",
        [(alias.alias_id, alias.at, cycle_id) for alias in aliases],
    )
    connection.execute(
        "INSERT INTO cycles (cycle_id, fresh) VALUES (?1, ?2) ON CONFLICT (cycle_id) DO UPDATE SET fresh = fresh + ?2",
        (cycle_id, new),
    )
    for tied in component_of(connection, cycle_id).ids:  # their facts hang together
        connection.execute(
            "UPDATE cycles SET due = ?, stable_from = NULL, facts = NULL WHERE cycle_id = ?", (DUE_NOW, tied)
        )
    return new
