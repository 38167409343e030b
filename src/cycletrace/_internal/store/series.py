"""The state of a collector's cumulative metrics, as text that means nothing to the store."""

from __future__ import annotations

from collections.abc import Iterable

from cycletrace._internal.store.connected import Connected

SeriesRow = tuple[str, str, str]
"""A metric, the labels of one of its series, the state of that series."""


class SeriesWrites(Connected):
    """Keeps metric series."""

    def load_series(self) -> list[SeriesRow]:
        """Return all series that are kept."""
        return self._connection.execute("SELECT metric, labels, state FROM series").fetchall()

    def save_series(self, rows: Iterable[SeriesRow]) -> None:
        """Keep these series as they are now; those of the same metric and labels are replaced."""
        kept = list(rows)
        self._connection.executemany(
            "DELETE FROM series WHERE metric = ? AND labels = ?", [(metric, labels) for metric, labels, _ in kept]
        )
        self._connection.executemany("INSERT INTO series (metric, labels, state) VALUES (?, ?, ?)", kept)
