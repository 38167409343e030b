"""Opening a store, by where it is."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

from cycletrace._internal.store.errors import StoreError
from cycletrace._internal.store.location import DatabaseUrl, Location
from cycletrace._internal.store.sqlite import database as sqlite
from cycletrace._internal.store.store import Store

FILE = "store.db"
"""The name of the store within a state directory."""


def open_store(location: Location, *, durable: bool = False) -> Store:
    """Open a store to write and read it; made where it is missing.

    ``durable``: a commit survives the loss of power, not only of the process. A collector promises that, and a
    database server always does.

    Raises:
        StoreError: where it cannot be used: no store of ours, of a newer version, damaged, in an unusable place.
    """
    if isinstance(location, DatabaseUrl):
        return _postgres(location, is_writer=True)
    return sqlite.open_store(location, durable=durable)


def open_reader(location: Location) -> Store:
    """Open a store to read it, also while others write it.

    Raises:
        StoreError: where it cannot be used, or there is none.
    """
    if isinstance(location, DatabaseUrl):
        return _postgres(location, is_writer=False)
    return sqlite.open_reader(location)


@contextmanager
def open_for_collector(location: Location) -> Generator[tuple[Store, Store]]:
    """Open a store for a collector, to write it and, in another thread, to read it.

    Raises:
        StoreError: where it cannot be used, or another collector has its file.
    """
    if isinstance(location, DatabaseUrl):
        with open_store(location) as store, open_reader(location) as reader:
            yield store, reader
        return
    from cycletrace._internal.store.sqlite.lock import store_lock  # no one else needs it

    sqlite.make_store(location)
    with store_lock(location), open_store(location, durable=True) as store, open_reader(location) as reader:
        yield store, reader


def _postgres(url: DatabaseUrl, *, is_writer: bool) -> Store:
    try:
        from cycletrace._internal.store.postgres.database import open_reader, open_store
    except ImportError as error:
        if error.name != "psycopg":
            raise
        raise StoreError("A store in PostgreSQL needs psycopg: pip install 'cycletrace[postgres]'.") from None
    return open_store(url) if is_writer else open_reader(url)
