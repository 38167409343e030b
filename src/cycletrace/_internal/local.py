"""Reading in Python: facts from a store, or from this machine's own, with everything that its journals hold."""

from __future__ import annotations

import os
import time
from collections.abc import Generator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path

from cycletrace._internal import environment
from cycletrace._internal.flow import Facts, Rules, parse_production
from cycletrace._internal.journal.orphans import close_orphans
from cycletrace._internal.journal.ownership import refuse_directory
from cycletrace._internal.sdk.settings import directory as state_directory
from cycletrace._internal.store import (
    FILE,
    Counted,
    Location,
    Snapshot,
    Store,
    StoreError,
    StoreSettings,
    ingest,
    open_reader,
    open_store,
    parse_location,
)

REFOLD_AT_ONCE = 1000
"""Cycles folded in one transaction."""


def facts(
    *,
    model: str | None = None,
    cycle: str | None = None,
    namespace: str | None = None,
    at: datetime | None = None,
    store: str | os.PathLike[str] | None = None,
) -> list[Facts]:
    """Return the facts of each cycle, as ``cycletrace facts`` prints them, by cycle id.

    Each element is a dict with the keys that ``docs/specification.md`` defines. Instants are UTC nanoseconds, lengths
    nanoseconds.

    Args:
        model: Only cycles of this model.
        cycle: Only the cycle with this key, alias or id.
        namespace: Only cycles of this team.
        at: The facts as they stood at this instant, with a time zone; by default now.
        store: A store, such as a running collector's: its file, or the URL of its database. By default this machine's
            own, with everything that its journals hold.

    Raises:
        StoreError: if the store cannot be read.
        ValueError: if ``at`` has no time zone.
    """
    if at is not None and at.tzinfo is None:
        raise ValueError(f"at must have a time zone, got {at.isoformat()}. Try datetime.now(timezone.utc).")
    instant = time.time_ns() if at is None else int(at.timestamp() * 1_000_000) * 1_000
    with snapshot(None if store is None else parse_location(store)) as found:
        return list(found.facts(instant, model=model, cycle=cycle, namespace=namespace, rules=rules_of(found)))


@contextmanager
def snapshot(
    store: Location | None = None, directory: Path | None = None, counted: Counted = iter
) -> Generator[Snapshot]:
    """Read a store: this one, or the journals of a state directory (by default the user's own) and its store.

    With both, the journals are read into it, as is necessary for a directory on a network file system.

    Raises:
        StoreError: if it cannot be read.
    """
    if store is not None and directory is None:
        opened = open_reader(store)
    else:
        opened = ingested(directory or own_directory(), store, counted)
    with opened as found, found.read() as read:
        yield read


def own_directory() -> Path:
    """Return the user's state directory, for reading.

    Raises:
        StoreError: if others could have written what is in it.
    """
    directory = state_directory()
    reason = refuse_directory(directory)
    if reason is not None:
        raise StoreError(f"{reason}, so nothing is read there.")
    return directory


def ingested(directory: Path, store: Location | None = None, counted: Counted = iter) -> Store:
    """Open the store of a state directory, or this one, with what the journals hold and the ends of what died.

    Raises:
        StoreError: if it cannot be used.
    """
    close_orphans(directory)
    opened = open_store(store or directory / FILE)
    ingest(opened, directory, counted)
    refold(opened)
    return opened


def refold(store: Store) -> None:
    """Fold all that is due, unless a collector does.

    Raises:
        StoreError: if the store cannot be written.
    """
    while True:
        with store.write() as tx:
            if tx.has_collector() or not tx.refold(time.time_ns(), REFOLD_AT_ONCE, rules_of(tx)):
                return


def rules_of(snapshot: Snapshot) -> Rules:
    """Return the rules of a store, with what the environment overrides."""
    return _overridden(snapshot.settings().rules)


def rules() -> Rules:
    """Return the rules of this machine's store, with what the environment overrides."""
    kept = StoreSettings()
    with suppress(StoreError), open_reader(own_directory() / FILE) as store, store.read() as snapshot:
        kept = snapshot.settings()
    return _overridden(kept.rules)


def production() -> frozenset[str] | None:
    """Return the names of production in the environment, lower case, ``None`` if there are none."""
    return parse_production(environment.PRODUCTION.read(os.environ)) or None


def _overridden(rules: Rules) -> Rules:
    names = production()
    return rules if names is None else rules._replace(production=names)
