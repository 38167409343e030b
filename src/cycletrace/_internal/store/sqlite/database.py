"""A store in a file: check that it is one, set SQLite up, report what is wrong in a sentence."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from secrets import token_hex
from typing import Any
from weakref import WeakSet

from cycletrace._internal.store.errors import StoreError
from cycletrace._internal.store.sqlite.errors import explained
from cycletrace._internal.store.sqlite.files import LOG_LIMIT, Files, companions, identity, set_aside
from cycletrace._internal.store.sqlite.filesystem import network_type
from cycletrace._internal.store.sqlite.schema import APPLICATION_ID, READ_AS, VERSION, migrate
from cycletrace._internal.store.store import Store
from cycletrace._internal.store.transaction import Snapshot, Transaction

_BUSY = 10.0
"""Seconds to wait for another process to end its transaction."""
_MAGIC = b"SQLite format 3\0"


class _Connection(sqlite3.Connection):
    """A connection to a file."""

    def stream(self, query: str, values: Sequence[Any] = (), /) -> Iterator[Any]:
        """Yield what a query finds: SQLite finds it as it is asked for."""
        return self.execute(query, values)

    def damages(self) -> Iterator[str]:
        """Yield what SQLite finds to be damaged in the file."""
        for (message,) in self.execute("PRAGMA integrity_check"):
            if message != "ok":
                yield f"SQLite says of the file: {message}."

    def overwrite_deleted(self) -> None:
        """Have SQLite overwrite what is deleted with zeros."""
        self.execute("PRAGMA secure_delete = ON")


class SqliteStore(Store):
    """A store in a file."""

    schema_version = VERSION
    is_shared = False

    def __init__(self, path: Path, connection: _Connection, *, is_writer: bool = False) -> None:
        self.location = path
        self._path = path
        self._connection = connection
        self._is_writer = is_writer
        self._files = Files(path, connection)
        _OPENED.add(self)

    def is_at(self, path: Path) -> bool:
        """Return whether this is the file at a path, under whatever name."""
        return self._files.identity is not None and self._files.identity == identity(path)

    @contextmanager
    def write(self) -> Generator[Transaction, None, None]:
        """Begin a transaction. If the files go in the very moment of its commit, it counts if they are put back."""
        with explained(self._path):
            self._connection.execute("BEGIN IMMEDIATE")
            if not self._files.are_intact():
                self._roll_back()
                self._check_files()
                self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield Transaction(self._connection)
                self._check_files()
                self._connection.execute("COMMIT")
            except BaseException:
                self._roll_back()
                raise
            self._check_files()

    @contextmanager
    def read(self) -> Generator[Snapshot, None, None]:
        """Begin to read."""
        with explained(self._path):
            self._connection.execute("BEGIN")
            try:
                yield Snapshot(self._connection)
            finally:
                self._roll_back()

    def take_charge(self) -> None:
        """Do nothing: the lock that a collector holds on the file leaves no other one."""

    @property
    def term(self) -> int:
        """The only one."""
        return 1

    def version(self) -> str:
        """Return SQLite's own number."""
        with explained(self._path):
            version: int = self._connection.execute("PRAGMA data_version").fetchone()[0]
        return str(version)

    def is_current(self) -> bool:
        """Return whether the file is still the one at its path."""
        return self.is_at(self._path)

    def _check_files(self) -> None:
        if not self._files.are_intact():
            raise StoreError(
                f"The store {self._path} was removed, replaced or truncated while it was open, so nothing is written: "
                "put the files back that were there, or restart what has it open."
            )

    def _roll_back(self) -> None:
        with suppress(sqlite3.Error):  # after some errors SQLite has rolled back by itself
            self._connection.execute("ROLLBACK")

    def size(self) -> int:
        """Return the bytes of the file, with what its write-ahead log holds."""
        log, _ = companions(self._path)
        return self._path.stat().st_size + (log.stat().st_size if log.exists() else 0)

    def copy_into(self, target: Path) -> None:
        """Copy all that is in the store now into an empty file."""
        with explained(target), closing(sqlite3.connect(target)) as copy, explained(self._path):
            self._connection.backup(copy)

    def close(self) -> None:
        """Let go of the file, and of its write-ahead log."""
        self._connection.close()
        if self._is_writer:
            self._files.leave()
        _OPENED.discard(self)


_OPENED: WeakSet[SqliteStore] = WeakSet()
"""Stores that are open in this process."""


def make_store(path: Path) -> None:
    """Make an empty store where there is none, with its directory, for its owner only.

    Raises:
        StoreError: where there can be none: on a network file system, in an unwritable place.
    """
    _refuse_network(path)
    if not path.exists():
        _clear_place(path)
        _make(path)


def open_store(path: Path, *, durable: bool = False) -> Store:
    """Open a store to write and read it; made where it is missing, with its directory, for its owner only.

    ``durable``: a commit survives the loss of power, not only of the process. A collector promises that.

    Raises:
        StoreError: where it cannot be used: no store of ours, of a newer version, damaged, on a network file system,
            in an unwritable place.
    """
    make_store(path)
    _check_header(path)
    connection = _connect(
        path,
        "rw",
        f"synchronous = {'FULL' if durable else 'NORMAL'}",
        "wal_autocheckpoint = 4000",
        f"journal_size_limit = {LOG_LIMIT}",
        "journal_mode = WAL",
    )
    store = SqliteStore(path, connection, is_writer=True)
    try:
        if _version(connection) < VERSION:
            with store.write():
                migrate(connection)
        with store.read() as snapshot:
            is_outdated = snapshot.is_outdated()
        if is_outdated:
            with store.write() as tx:
                tx.refold_all()
    except BaseException:
        store.close()
        raise
    return store


def open_reader(path: Path) -> Store:
    """Open a store to read it, also while others write it.

    Raises:
        StoreError: where it cannot be used, or there is none.
    """
    _refuse_network(path)
    if not path.exists():
        raise StoreError(f"There is no store {path}: record a cycle first, or choose another store.")
    _check_header(path)
    connection = _connect(path, "ro", "cache_size = -8192")  # much is read once, and by several at a time
    version = _version(connection)
    if version in READ_AS:
        connection.execute(READ_AS[version])
    elif version < VERSION:
        connection.close()
        raise StoreError(f"The store {path} is of an older version: open it once for writing, which brings it up.")
    return SqliteStore(path, connection)


def _refuse_network(path: Path) -> None:
    kind = network_type(path)
    if kind is not None:
        raise StoreError(
            f"The store {path} would be on a network file system ({kind}), where SQLite loses data. "
            "Choose a file on a local disk: --store FILE --dir DIR reads the journals of a directory into it."
        )


def _check_header(path: Path) -> None:
    """Look at the file's first bytes, before SQLite does anything to it. Source: https://www.sqlite.org/fileformat.html.

    Not where this process has it open already, and so has looked at it: to close a descriptor of the file would let go
    of the locks that SQLite holds on it, and the next process to close the store would remove the write-ahead log
    under us. Source: https://www.sqlite.org/howtocorrupt.html, 2.2.
    """
    if any(store.is_at(path) for store in _OPENED):
        return
    try:
        with path.open("rb") as file:
            header = file.read(100)
    except OSError as error:
        raise StoreError(f"The store {path} cannot be opened: {error.strerror}.") from error
    if header[:16] != _MAGIC or int.from_bytes(header[68:72], "big") != APPLICATION_ID:
        raise StoreError(f"The file {path} is no store of cycletrace: choose another store.")
    _refuse_newer(path, int.from_bytes(header[60:64], "big"))


def _refuse_newer(path: Path, version: int) -> None:
    if version > VERSION:
        raise StoreError(
            f"The store {path} is of version {version}, and this cycletrace knows versions up to {VERSION}: "
            "upgrade cycletrace, or choose another store."
        )


def _version(connection: sqlite3.Connection) -> int:
    version: int = connection.execute("PRAGMA user_version").fetchone()[0]
    return version


def _connect(path: Path, mode: str, *pragmas: str) -> _Connection:
    with explained(path):
        connection: _Connection = sqlite3.connect(
            f"{path.absolute().as_uri()}?mode={mode}",
            uri=True,
            timeout=_BUSY,
            isolation_level=None,  # transactions begin and end where the code says so
            check_same_thread=False,
            factory=_Connection,
        )
        try:
            connection.execute("PRAGMA cache_size = -65536")
            connection.execute("PRAGMA temp_store = MEMORY")
            _refuse_newer(path, _version(connection))  # the header may be behind the write-ahead log
            for pragma in pragmas:
                connection.execute(f"PRAGMA {pragma}")
        except BaseException:
            connection.close()
            raise
    return connection


def _clear_place(path: Path) -> None:
    """Set aside the log of a store that is no longer there: SQLite would write it into the new one."""
    for left in companions(path):
        if left.exists() and not path.exists():  # in this order: a store that is there was there before its log
            set_aside(left)


def _make(path: Path) -> None:
    """Make an empty store beside its place and put it there whole, so that no one ever meets half of one."""
    scratch = path.with_name(f".{path.name}.{token_hex(4)}")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(scratch, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
        try:
            _fill(scratch)
            with suppress(FileExistsError):  # another process was faster
                os.link(scratch, path)
        finally:
            scratch.unlink()
    except OSError as error:
        raise StoreError(
            f"The store {path} cannot be made: {error.strerror}. Choose a directory that can be written."
        ) from error


def _fill(path: Path) -> None:
    with explained(path):
        connection = sqlite3.connect(path, isolation_level=None)
        try:
            connection.execute("PRAGMA page_size = 16384")
            connection.execute("BEGIN")
            connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            migrate(connection)
            connection.execute("COMMIT")
            connection.execute("PRAGMA journal_mode = WAL")
        finally:
            connection.close()
