"""Looking after a store while others use it: what is in it, whether it is sound, a copy, less of it."""

from __future__ import annotations

import json
import os
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path
from secrets import token_hex
from typing import TypedDict

from cycletrace.flow import RULES, Facts, Rules, facts_of
from cycletrace.store.components import component_of, records_of
from cycletrace.store.database import Store
from cycletrace.store.errors import StoreError, explained
from cycletrace.store.losses import Losses, losses
from cycletrace.store.refolding import kept_rules
from cycletrace.store.schema import VERSION

_BATCH = 500
"""Cycles pruned in one transaction: few enough that a collector waits for no more than a moment."""


class Info(TypedDict):
    """What is in a store."""

    path: str
    bytes: int
    """With what its write-ahead log holds."""
    version: int
    """Of the schema."""
    cycles: int
    """Ids that carry records, or carried them."""
    pruned: int
    """Those whose records were removed."""
    records: int
    due: int
    """Cycles that are to be folded anew."""
    journals: int
    """Journals that were read and are still there."""
    losses: Losses


def info(store: Store) -> Info:
    """What is in a store.

    Raises:
        StoreError: where it cannot be read.
    """
    log = store.path.with_name(f"{store.path.name}-wal")
    with store.snapshot() as connection:

        def count(query: str, *values: int) -> int:
            number: int = connection.execute(query, values).fetchone()[0]
            return number

        return Info(
            path=str(store.path),
            bytes=store.path.stat().st_size + (log.stat().st_size if log.exists() else 0),
            version=VERSION,
            cycles=count("SELECT count(*) FROM cycles"),
            pruned=count("SELECT count(*) FROM cycles WHERE pruned"),
            records=count("SELECT count(*) FROM records"),
            due=count("SELECT count(*) FROM cycles WHERE due <= ?", time.time_ns()),
            journals=count("SELECT count(*) FROM sources"),
            losses=losses(connection),
        )


def check(store: Store, rules: Rules = RULES) -> Iterator[str]:
    """What is wrong with a store, in sentences; nothing where it is sound.

    The file is checked as SQLite knows it, then each cycle's kept facts against its records.

    Raises:
        StoreError: where it cannot be read any further.
    """
    with store.snapshot() as connection:
        for (said,) in connection.execute("PRAGMA integrity_check"):
            if said != "ok":
                yield f"SQLite says of the file: {said}."
        kept_by = connection.execute("SELECT value FROM meta WHERE name = 'rules'").fetchone()
        if kept_by != (kept_rules(rules),):
            return  # kept facts were made by other rules, and are not used
        rows = connection.execute(
            "SELECT cycle_id, folded, facts FROM cycles WHERE stable_from NOT NULL AND NOT pruned ORDER BY cycle_id"
        )
        for cycle_id, folded, text in rows:
            try:
                is_equal = _fold(connection, cycle_id, folded, rules) == (None if text is None else json.loads(text))
            except (ValueError, TypeError, IndexError):
                yield f"The records of the cycle {cycle_id} cannot be read."
            else:
                if not is_equal:
                    yield f"The facts kept of the cycle {cycle_id} are not those that its records make."


def _fold(connection: sqlite3.Connection, cycle_id: str, at: int, rules: Rules) -> Facts | None:
    records = records_of(connection, component_of(connection, cycle_id))
    return next((one for one in facts_of(records, at, rules) if one["cycle_id"] == cycle_id), None)


def backup(store: Store, target: Path) -> None:
    """Copy a store, as it is now, into a new file that is a store itself; also while others write it.

    Raises:
        StoreError: where the file is there already or cannot be written.
    """
    scratch = target.with_name(f".{target.name}.{token_hex(4)}")
    try:
        os.close(os.open(scratch, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
        try:
            with explained(scratch):
                copy = sqlite3.connect(scratch)
                try:
                    store.copy_into(copy)
                finally:
                    copy.close()
            os.link(scratch, target)  # whole or not at all, and never over another file
        finally:
            scratch.unlink()
    except FileExistsError:
        raise StoreError(f"There is a file {target} already: choose another name for the backup.") from None
    except OSError as error:
        raise StoreError(f"The backup {target} cannot be written: {error.strerror}.") from error


class Pruned(TypedDict):
    """What was removed from a store."""

    cycles: int
    """Ids whose records were removed."""
    records: int


def prune(store: Store, before: int) -> Pruned:
    """Remove the records of cycles whose facts have held since before an instant (UTC nanoseconds); the facts stay.

    Only whole cycles go, with all that aliases tie to them. What arrives for them later is refused, since a fold
    without the rest would make wrong facts. The file keeps its size: the room is used again.

    Raises:
        StoreError: where the store cannot be written.
    """
    total = Pruned(cycles=0, records=0)
    while True:
        with store.transaction() as connection:
            batch = connection.execute(
                "SELECT cycle_id FROM cycles WHERE stable_from < ? AND NOT pruned LIMIT ?", (before, _BATCH)
            ).fetchall()
            for (cycle_id,) in batch:
                for member in component_of(connection, cycle_id).ids:
                    total["cycles"] += connection.execute(
                        "UPDATE cycles SET pruned = 1 WHERE cycle_id = ? AND NOT pruned", (member,)
                    ).rowcount
                    total["records"] += connection.execute("DELETE FROM records WHERE cycle_id = ?", (member,)).rowcount
        if not batch:
            return total
