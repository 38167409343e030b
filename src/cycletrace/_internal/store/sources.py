"""How far each journal was read."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from cycletrace._internal.store.connected import Connected


class Source(NamedTuple):
    """A journal, by the name of its file, and how far it was read."""

    name: str
    position: int = 0
    """Bytes."""
    damaged: int = 0
    """Lines that were torn or damaged."""
    unknown_format: int | None = None
    """A version of the journal's format that could not be read."""


class SourceReads(Connected):
    """Reads how far journals were read."""

    def sources(self) -> dict[str, Source]:
        """Return all journals that are known, by name."""
        rows = self._connection.execute("SELECT name, position, damaged, unknown_format FROM sources")
        return {row[0]: Source._make(row) for row in rows}

    def source(self, name: str) -> Source:
        """Return how far a journal was read; one that is not known yet was not read at all."""
        row = self._connection.execute(
            "SELECT name, position, damaged, unknown_format FROM sources WHERE name = ?", (name,)
        ).fetchone()
        return Source(name) if row is None else Source._make(row)


class SourceWrites(Connected):
    """Keeps how far journals were read."""

    def save_source(self, source: Source) -> None:
        """Keep how far a journal was read."""
        self._connection.execute(
            "INSERT INTO sources (name, position, damaged, unknown_format) VALUES (?1, ?2, ?3, ?4) "
            "ON CONFLICT (name) DO UPDATE SET position = ?2, damaged = ?3, unknown_format = ?4",
            source,
        )

    def forget_sources(self, names: Iterable[str]) -> None:
        """Forget journals that are gone, but for those that were damaged, which is to be reported."""
        self._connection.executemany("DELETE FROM sources WHERE name = ? AND damaged = 0", [(name,) for name in names])
