"""A store in PostgreSQL: connections that are made again when they are lost, and one writer at a time."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from cycletrace._internal.store.errors import StoreError
from cycletrace._internal.store.location import DatabaseUrl
from cycletrace._internal.store.postgres import views
from cycletrace._internal.store.postgres.connection import PostgresConnection
from cycletrace._internal.store.postgres.errors import explained
from cycletrace._internal.store.postgres.schema import SCHEMA, VERSION, migrate, versions
from cycletrace._internal.store.store import Store
from cycletrace._internal.store.transaction import Snapshot, Transaction

_LOWEST = 130000
"""The oldest server that has all that is asked of it, such as ``pg_current_snapshot``."""
_LOCKS = 0x6379_636C
"""What distinguishes our advisory locks from those of other programs: "cycl"."""
_WRITING, _IN_CHARGE = 1, 2
"""Locks: for a transaction that writes, and for the session of the collector that counts."""

_CLIENT = {
    "connect_timeout": 5,
    "tcp_user_timeout": 5000,
    "keepalives_idle": 2,
    "keepalives_interval": 1,
    "keepalives_count": 3,
    "application_name": "cycletrace",
    "client_encoding": "utf8",
}
"""How long a server that vanished is waited for, unless the URL says otherwise."""
_IDLE = "8s"
"""How long a client may stand still within a transaction that writes: it must not hold up the others for long."""
_SESSION = {
    "search_path": SCHEMA,
    "lock_timeout": "10s",
    "tcp_keepalives_idle": "2",
    "tcp_keepalives_interval": "1",
    "tcp_keepalives_count": "3",
    "tcp_user_timeout": "5s",
}


class PostgresStore(Store):
    """A store in a database. A connection that was lost is made again by the next block."""

    schema_version = VERSION
    is_shared = True

    def __init__(self, url: DatabaseUrl) -> None:
        """Connect.

        Raises:
            StoreError: where the database cannot be reached.
        """
        self.location = url
        self._url = url
        self._is_in_charge = False
        self._terms = 0
        self._raw = _connect(url)

    @contextmanager
    def write(self) -> Generator[Transaction]:
        """Begin a transaction, when those of other programs have ended."""
        with self._transaction("BEGIN") as connection:
            # Whatever others committed while this waits is seen: each statement looks anew.
            connection.execute(
                "SELECT set_config('idle_in_transaction_session_timeout', ?, TRUE), pg_advisory_xact_lock(?, ?)",
                (_IDLE, _LOCKS, _WRITING),
            )
            yield Transaction(connection)

    @contextmanager
    def read(self) -> Generator[Snapshot]:
        """Begin to read."""
        with self._transaction("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY") as connection:
            yield Snapshot(connection)

    def bring_up(self) -> None:
        """Make the tables, or bring them up to this version.

        Raises:
            StoreError: where they are another program's, or of a newer version.
        """
        with self.write() as tx:
            connection = PostgresConnection(self._raw)
            version = self._usable_version(connection)
            if version < VERSION:
                migrate(connection, version)
            if tx.is_outdated():
                tx.refold_all()

    def check(self) -> None:
        """Check that the tables are those of this version, or of one that it works with.

        Raises:
            StoreError: where they are not.
        """
        with self.read():
            version = self._usable_version(PostgresConnection(self._raw))
        if not version:
            raise StoreError(f"The database {self._url} has no store: start a collector with it first.")
        if version < VERSION:
            raise StoreError(
                f"The store {self._url} is of an older version: start a collector of this version with it."
            )

    def take_charge(self) -> None:
        """Take a lock that the server gives to one session, and gives to another when that ends."""
        with explained(self._url):
            raw = self._connected()
            if not self._is_in_charge:
                (self._is_in_charge,) = _one(raw, "SELECT pg_try_advisory_lock($1, $2)", _LOCKS, _IN_CHARGE)
                self._terms += self._is_in_charge

    @property
    def term(self) -> int | None:
        """How many times this took charge."""
        return self._terms if self._is_in_charge and not self._raw.closed else None

    def version(self) -> str:
        """Return which transactions have ended. It also differs after those of other programs in the same database."""
        with explained(self._url):
            version: str = _one(self._connected(), "SELECT CAST(pg_current_snapshot() AS TEXT)")[0]
        return version

    def is_current(self) -> bool:
        """Return ``True``: a URL names what it names."""
        return True

    def size(self) -> int:
        """Return the bytes of all tables with their indexes."""
        with explained(self._url):
            size: int = _one(
                self._connected(),
                "SELECT CAST(sum(pg_total_relation_size(oid)) AS BIGINT) FROM pg_class "
                "WHERE relnamespace = to_regnamespace($1) AND relkind = 'r'",
                SCHEMA,
            )[0]
        return size

    def copy_into(self, target: Path) -> None:  # noqa: ARG002
        """Raise an error: a server has its own way."""
        schemas = f"--schema={SCHEMA} --schema={views.SCHEMA}"
        raise StoreError(f"The store {self._url} is copied by PostgreSQL itself: pg_dump {schemas} URL > FILE.")

    def close(self) -> None:
        """Disconnect."""
        self._raw.close()

    @contextmanager
    def _transaction(self, begin: str) -> Generator[PostgresConnection]:
        with explained(self._url):
            try:
                raw = self._connected()
                raw.execute(begin.encode())
            except psycopg.OperationalError:
                if not self._raw.closed:
                    raise
                raw = self._connected()  # the server was restarted since the last block
                raw.execute(begin.encode())
            try:
                yield PostgresConnection(raw)
                raw.execute("COMMIT")
            except BaseException:
                with suppress(psycopg.Error):
                    raw.execute("ROLLBACK")
                raise

    def _connected(self) -> psycopg.Connection[Any]:
        """Return the connection, made anew where it was lost, and with it what it was in charge of."""
        if self._raw.closed:
            self._is_in_charge = False
            self._raw = _connect(self._url)
        return self._raw

    def _usable_version(self, connection: PostgresConnection) -> int:
        """Return the version of the tables, 0 where there are none."""
        try:
            version, oldest = versions(connection)
        except LookupError:
            raise StoreError(
                f"The schema {SCHEMA} of the database {self._url} belongs to another program: choose another database."
            ) from None
        if oldest > VERSION:
            raise StoreError(
                f"The store {self._url} is of version {version}, and this cycletrace knows versions up to {VERSION}: "
                "upgrade cycletrace, or choose another store."
            )
        return version


def open_store(url: DatabaseUrl) -> PostgresStore:
    """Open a store to write and read it; made where it is missing, and brought up to this version.

    Raises:
        StoreError: where it cannot be used: a wrong URL, another program's schema, a newer version.
    """
    store = PostgresStore(url)
    try:
        store.bring_up()
    except BaseException:
        store.close()
        raise
    return store


def open_reader(url: DatabaseUrl) -> PostgresStore:
    """Open a store to read it.

    Raises:
        StoreError: where it cannot be used, or there is none.
    """
    store = PostgresStore(url)
    try:
        store.check()
    except BaseException:
        store.close()
        raise
    return store


def _connect(url: DatabaseUrl) -> psycopg.Connection[Any]:
    try:
        parameters: dict[str, Any] = {**_CLIENT, **conninfo_to_dict(url.uri)}
    except psycopg.Error:
        raise StoreError(
            f"The URL {url} is none of PostgreSQL: expected postgresql://USER@HOST:PORT/DATABASE."
        ) from None
    with explained(url):
        raw: psycopg.Connection[Any] = psycopg.connect(
            make_conninfo("", **parameters), autocommit=True, cursor_factory=psycopg.RawCursor
        )
        raw.server_cursor_factory = psycopg.RawServerCursor
        try:
            _set_up(url, raw)
        except BaseException:
            raw.close()
            raise
    return raw


def _set_up(url: DatabaseUrl, raw: psycopg.Connection[Any]) -> None:
    version = raw.info.server_version
    if version < _LOWEST:
        raise StoreError(
            f"The server of {url} is PostgreSQL {version // 10000}: {_LOWEST // 10000} or a newer one is needed."
        )
    for name, value in _SESSION.items():
        raw.execute("SELECT set_config($1, $2, FALSE)", (name, value))
    # A commit must survive the loss of power, whatever the server's configuration trades for it.
    if _one(raw, "SHOW synchronous_commit") == ("off",):
        raw.execute("SET synchronous_commit = on")


def _one(raw: psycopg.Connection[Any], query: str, *values: object) -> tuple[Any, ...]:
    row: tuple[Any, ...] | None = raw.execute(query.encode(), values).fetchone()
    assert row is not None
    return row
