"""Looking after a store while others use it: what is in it, whether it is sound, a copy, less of it."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from secrets import token_hex
from typing import TYPE_CHECKING, NamedTuple, TypedDict

from cycletrace._internal.flow import Alias, Facts, Rules, facts_of
from cycletrace._internal.flow.aliases import without_retracted
from cycletrace._internal.store.components import component_of, records_of
from cycletrace._internal.store.connected import Connected
from cycletrace._internal.store.errors import StoreError
from cycletrace._internal.store.folding import KEPT_BY, made_by

if TYPE_CHECKING:
    from cycletrace._internal.store.store import Store
from cycletrace._internal.store.settings import SettingsReads

_BATCH = 500
"""Cycles pruned in one transaction: few enough that a collector waits for no more than a moment."""


class Losses(NamedTuple):
    """What arrived and could not be used."""

    damaged: int
    """Lines of journals that were torn or damaged."""
    rejected: dict[str, int]
    """Records that were refused, by reason."""


class Counts(TypedDict):
    """How much is in a store."""

    cycles: int
    """Ids that carry records, or carried them."""
    pruned: int
    """Those whose records were removed."""
    records: int
    due: int
    """Cycles that are to be folded anew."""
    journals: int
    """Journals that were read and are still there."""


class Info(TypedDict):
    """What is in a store, and where it is."""

    path: str
    """Or the URL of a database, without its password."""
    bytes: int
    """With what its write-ahead log holds."""
    version: int
    """Of the schema."""
    cycles: int
    pruned: int
    records: int
    due: int
    journals: int
    losses: Losses


class Pruned(TypedDict):
    """What was removed from a store."""

    cycles: int
    """Ids whose records were removed."""
    records: int


class MaintenanceReads(SettingsReads):
    """Inspects a store."""

    def losses(self) -> Losses:
        """Return what is known to be lost."""
        (damaged,) = self._connection.execute(
            "SELECT CAST(coalesce(sum(damaged), 0) AS BIGINT) FROM sources"
        ).fetchone()
        rejected = dict(self._connection.execute("SELECT reason, count FROM rejections ORDER BY reason"))
        return Losses(damaged, rejected)

    def rejected(self) -> int:
        """Return how many records were refused."""
        return self._count("SELECT CAST(coalesce(sum(count), 0) AS BIGINT) FROM rejections")

    def counts(self, now: int) -> Counts:
        """Return how much is in the store, and what is due at an instant (UTC nanoseconds)."""
        return Counts(
            cycles=self._count("SELECT count(*) FROM cycles"),
            pruned=self._count("SELECT count(*) FROM cycles WHERE pruned"),
            records=self._count("SELECT count(*) FROM records"),
            due=self.due_cycles(now),
            journals=self._count("SELECT count(*) FROM sources"),
        )

    def due_cycles(self, now: int) -> int:
        """Return how many cycles are to be folded at an instant (UTC nanoseconds)."""
        return self._count("SELECT count(*) FROM cycles WHERE due <= ?", now)

    def outbox_size(self) -> int:
        """Return how many requests wait for backends."""
        return self._count("SELECT count(*) FROM outbox")

    def problems(self, rules: Rules | None = None) -> Iterator[str]:
        """Yield what is wrong with the store, in sentences; nothing where it is sound.

        The database is checked as far as it can do so itself, then each cycle's kept facts against its records.
        """
        yield from self._connection.damages()
        rules = self.settings().rules if rules is None else rules
        if self._noted(KEPT_BY) != made_by(rules):
            return  # kept facts were made by other rules, and are not used
        rows = self._connection.stream(
            "SELECT cycle_id, folded, facts FROM cycles WHERE stable_from IS NOT NULL AND NOT pruned ORDER BY cycle_id"
        )
        for cycle_id, folded, text in rows:
            try:
                is_equal = self._fold(cycle_id, folded, rules) == (None if text is None else json.loads(text))
            except (ValueError, TypeError, IndexError):
                yield f"The records of the cycle {cycle_id} cannot be read."
            else:
                if not is_equal:
                    yield f"The facts kept of the cycle {cycle_id} are not those that its records make."

    def _count(self, query: str, *values: int) -> int:
        number: int = self._connection.execute(query, values).fetchone()[0]
        return number

    def _fold(self, cycle_id: str, at: int, rules: Rules) -> Facts | None:
        records = records_of(self._connection, component_of(self._connection, cycle_id))
        return next((one for one in facts_of(records, at, rules) if one["cycle_id"] == cycle_id), None)


class MaintenanceWrites(Connected):
    """Makes a store smaller."""

    def prune(self, before: int, limit: int) -> Pruned:
        """Remove the records of cycles whose facts have held since before an instant; the facts stay.

        Args:
            before: UTC nanoseconds.
            limit: How many cycles at most, each with all that aliases tie to it.
        """
        pruned = Pruned(cycles=0, records=0)
        batch = self._connection.execute(
            "SELECT cycle_id FROM cycles WHERE stable_from < ? AND NOT pruned LIMIT ?", (before, limit)
        ).fetchall()
        for (cycle_id,) in batch:
            component = component_of(self._connection, cycle_id)
            self._settle_claims(component, before)
            for member in component:
                pruned["cycles"] += self._connection.execute(
                    "UPDATE cycles SET pruned = TRUE WHERE cycle_id = ? AND NOT pruned", (member,)
                ).rowcount
                pruned["records"] += self._connection.execute(
                    "DELETE FROM records WHERE cycle_id = ?", (member,)
                ).rowcount
        return pruned

    def _settle_claims(self, component: Iterable[str], at: int) -> None:
        """Forget the claims that are retracted at an instant; those stand that only another cycle's record retracts."""
        retracted = [
            claim
            for member in component
            for claim in self._connection.execute(
                "SELECT alias_id, at, cycle_id FROM claims WHERE retracted AND cycle_id = ?", (member,)
            )
        ]
        if not retracted:
            return
        left = without_retracted(records_of(self._connection, component), at)
        standing = {(one.alias_id, one.at, one.origin.cycle_id) for one in left if isinstance(one, Alias)}
        for claim in retracted:
            self._connection.execute(
                "UPDATE claims SET retracted = FALSE WHERE alias_id = ? AND at = ? AND cycle_id = ?"
                if claim in standing
                else "DELETE FROM claims WHERE alias_id = ? AND at = ? AND cycle_id = ?",
                claim,
            )


def info(store: Store) -> Info:
    """Return what is in a store.

    Raises:
        StoreError: where it cannot be read.
    """
    with store.read() as snapshot:
        counts, losses = snapshot.counts(time.time_ns()), snapshot.losses()
    return {
        "path": str(store.location),
        "bytes": store.size(),
        "version": store.schema_version,
        **counts,
        "losses": losses,
    }


def backup(store: Store, target: Path) -> None:
    """Copy a store, as it is now, into a new file that is a store itself; also while others write it.

    Raises:
        StoreError: where the file is there already or cannot be written.
    """
    scratch = target.with_name(f".{target.name}.{token_hex(4)}")
    try:
        os.close(os.open(scratch, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
        try:
            store.copy_into(scratch)
            os.link(scratch, target)  # whole or not at all, and never over another file
        finally:
            scratch.unlink()
    except FileExistsError:
        raise StoreError(f"There is a file {target} already: choose another name for the backup.") from None
    except OSError as error:
        raise StoreError(f"The backup {target} cannot be written: {error.strerror}.") from error


def prune(store: Store, before: int) -> Pruned:
    """Remove the records of cycles whose facts have held since before an instant (UTC nanoseconds); the facts stay.

    Only whole cycles go, with all that aliases tie to them. What arrives for them later is refused, since a fold
    without the rest would make wrong facts. The file keeps its size: the room is used again.

    Raises:
        StoreError: where the store cannot be written.
    """
    total = Pruned(cycles=0, records=0)
    while True:
        with store.write() as tx:
            pruned = tx.prune(before, _BATCH)
        if not pruned["cycles"]:
            return total
        total["cycles"] += pruned["cycles"]
        total["records"] += pruned["records"]
