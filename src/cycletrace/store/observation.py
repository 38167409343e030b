"""Facts as a collector told them in its metrics: each cycle once, and what changed since.

``cycles.observed`` is the instant at which a cycle was told, 0 where it was left out of all populations, null before.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from typing import TypedDict

from cycletrace.flow import Facts
from cycletrace.store.database import Store

COLLECTOR = "collector"
"""What a collector notes its name under, among what is noted of the store."""
_LEFT_OUT = 0

_encode = json.JSONEncoder(separators=(",", ":"), check_circular=False).encode


class Revision(TypedDict):
    """What the facts of an observed cycle became, found out at an instant (UTC nanoseconds)."""

    cycle_id: str
    at: int
    facts: Facts | None
    """``None`` where its records turned out to belong to another cycle."""


def has_collector(connection: sqlite3.Connection) -> bool:
    """Whether a collector keeps this store. Then it alone folds, since it tells what each fold changed."""
    return connection.execute("SELECT 1 FROM meta WHERE name = ?", (COLLECTOR,)).fetchone() is not None


def ready(connection: sqlite3.Connection, closed_by: int, limit: int) -> list[Facts]:
    """The facts of cycles that were first found closed by an instant, and were not observed yet."""
    rows = connection.execute(
        "SELECT facts FROM cycles WHERE observed IS NULL AND closed <= ? AND facts IS NOT NULL ORDER BY closed LIMIT ?",
        (closed_by, limit),
    )
    return [json.loads(text) for (text,) in rows]


def next_closed(connection: sqlite3.Connection) -> int | None:
    """The earliest instant at which a cycle was found closed that is not observed yet."""
    row = connection.execute("SELECT min(closed) FROM cycles WHERE observed IS NULL AND closed IS NOT NULL").fetchone()
    closed: int | None = row[0]
    return closed


def observe(connection: sqlite3.Connection, facts: Facts, at: int) -> None:
    """Keep the facts of a cycle as they are told at an instant."""
    connection.execute("UPDATE cycles SET observed = ? WHERE cycle_id = ?", (at, facts["cycle_id"]))
    connection.execute(
        "INSERT INTO observed (cycle_id, at, facts, rolled_back) VALUES (?, ?, ?, 0)",
        (facts["cycle_id"], at, _encode(facts)),
    )


def leave_out(connection: sqlite3.Connection, cycle_id: str) -> None:
    """Tell nothing of a closed cycle, for now."""
    connection.execute("UPDATE cycles SET observed = ? WHERE cycle_id = ?", (_LEFT_OUT, cycle_id))


def take_up(connection: sqlite3.Connection, cycle_id: str) -> None:
    """Have a cycle observed after all that was left out."""
    connection.execute("UPDATE cycles SET observed = NULL WHERE cycle_id = ? AND observed = ?", (cycle_id, _LEFT_OUT))


def observed(connection: sqlite3.Connection, cycle_id: str) -> Facts | None:
    """The facts of a cycle as they were told, ``None`` where it was not observed yet."""
    row = connection.execute("SELECT facts FROM observed WHERE cycle_id = ?", (cycle_id,)).fetchone()
    facts: Facts | None = None if row is None else json.loads(row[0])
    return facts


def revise(connection: sqlite3.Connection, cycle_id: str, at: int, facts: Facts | None) -> bool:
    """Keep what the facts of an observed cycle became. ``False`` where nothing changed since they were last told."""
    known = (
        connection.execute(
            "SELECT facts FROM revisions WHERE cycle_id = ? ORDER BY at DESC LIMIT 1", (cycle_id,)
        ).fetchone()
        or connection.execute("SELECT facts FROM observed WHERE cycle_id = ?", (cycle_id,)).fetchone()
    )
    text = _encode(facts)
    if known == (text,):
        return False
    connection.execute("REPLACE INTO revisions (cycle_id, at, facts) VALUES (?, ?, ?)", (cycle_id, at, text))
    return True


def roll_back(connection: sqlite3.Connection, cycle_id: str) -> bool:
    """Note that an observed cycle is known to be rolled back. ``False`` where that was noted before."""
    changed = connection.execute(
        "UPDATE observed SET rolled_back = 1 WHERE cycle_id = ? AND NOT rolled_back", (cycle_id,)
    )
    return changed.rowcount > 0


def as_observed(store: Store) -> Iterator[Facts]:
    """The facts of all observed cycles as they were told, by cycle id.

    Raises:
        StoreError: where the store cannot be read.
    """
    with store.snapshot() as connection:
        for (text,) in connection.execute("SELECT facts FROM observed ORDER BY cycle_id"):
            yield json.loads(text)


def revisions(store: Store) -> Iterator[Revision]:
    """What became of facts after they were told, by cycle id and instant.

    Raises:
        StoreError: where the store cannot be read.
    """
    with store.snapshot() as connection:
        for cycle_id, at, text in connection.execute("SELECT cycle_id, at, facts FROM revisions ORDER BY cycle_id, at"):
            yield Revision(cycle_id=cycle_id, at=at, facts=json.loads(text))
