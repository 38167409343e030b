"""What all parts of a snapshot and of a transaction share: the connection, and the notes about the store as a whole."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Protocol


class Rows(Protocol):
    """What a query found or changed."""

    @property
    def rowcount(self) -> int:
        """How many rows were changed."""
        ...

    def fetchone(self) -> Any:
        """Return the next row, ``None`` where there is none."""
        ...

    def fetchall(self) -> list[Any]:
        """Return all rows that are left."""
        ...

    def __iter__(self) -> Iterator[Any]:
        """Yield the rows that are left."""
        ...


class Connection(Protocol):
    """A connection to the database of a store, whichever that is.

    Queries are in the SQL that SQLite and PostgreSQL have in common, with ``?`` or ``?1`` for values.
    """

    def execute(self, query: str, values: Sequence[Any] = (), /) -> Rows:
        """Run a query. What it finds may be kept in memory."""
        ...

    def executemany(self, query: str, rows: Iterable[Sequence[Any]], /) -> Rows:
        """Run a query with the values of each row."""
        ...

    def stream(self, query: str, values: Sequence[Any] = (), /) -> Iterator[Any]:
        """Yield what a query finds, however much it is, while other queries run."""
        ...

    def damages(self) -> Iterator[str]:
        """Yield what the database itself finds to be damaged, in sentences."""
        ...

    def overwrite_deleted(self) -> None:
        """Leave nothing, from here on, of what is deleted or replaced in unused bytes of a file."""
        ...


class Connected:
    """One subject of an open snapshot or transaction, which are composed of these."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def _noted(self, name: str) -> str | None:
        """Return what is noted of the store under a name."""
        row = self._connection.execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()
        return None if row is None else row[0]

    def _note(self, name: str, value: str) -> None:
        """Note something of the store, in place of what was noted under this name."""
        self._connection.execute(
            "INSERT INTO meta (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
            (name, value),
        )
