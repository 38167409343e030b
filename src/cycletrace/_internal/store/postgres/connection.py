"""A connection to PostgreSQL that takes the queries of the store."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import count
from typing import Any

import psycopg

from cycletrace._internal.store.connected import Rows

_AT_ONCE = 500
"""Rows that are fetched together of a long result."""


class PostgresConnection:
    """A connection to a server."""

    def __init__(self, raw: psycopg.Connection[Any]) -> None:
        """Use a connection whose cursors take ``$1`` for a value."""
        self._raw = raw
        self._names = count()

    def execute(self, query: str, values: Sequence[Any] = (), /) -> Rows:
        """Run a query."""
        return self._raw.execute(_numbered(query), _storable(values))

    def executemany(self, query: str, rows: Iterable[Sequence[Any]], /) -> Rows:
        """Run a query with the values of each row, without waiting for one answer before the next."""
        cursor = self._raw.cursor()
        batch = [_storable(values) for values in rows]
        if batch:  # otherwise the count of rows would be unknown
            cursor.executemany(_numbered(query), batch)
            return cursor
        return self._raw.execute("SELECT WHERE FALSE")

    def stream(self, query: str, values: Sequence[Any] = (), /) -> Iterator[Any]:
        """Yield what a query finds, by a cursor of the server."""
        with self._raw.cursor(f"stream{next(self._names)}") as cursor:
            cursor.itersize = _AT_ONCE
            cursor.execute(_numbered(query), _storable(values))
            yield from cursor

    def damages(self) -> Iterator[str]:
        """Yield nothing: checking a database is its administrator's, with ``pg_amcheck``."""
        return iter(())

    def overwrite_deleted(self) -> None:
        """Do nothing: VACUUM is what makes room of deleted rows."""


@lru_cache
def _numbered(query: str) -> bytes:
    """Return a query with ``$1``, ``$2`` ... for ``?`` and ``?1``."""
    numbers = count(1)
    return re.sub(r"\?(\d*)", lambda found: f"${found[1] or next(numbers)}", query).encode()


def _storable(values: Sequence[Any]) -> list[Any]:
    """Return values with a visible sign for NUL, which PostgreSQL takes in no text.

    Facts and records are unchanged, since JSON escapes it; so what differs is only the text by which they are found.
    """
    return [value.replace("\0", "\u2400") if isinstance(value, str) and "\0" in value else value for value in values]
