"""Serialized requests that wait until a backend has taken them, by destination, oldest first."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from cycletrace._internal.store.connected import Connected


class Parcel(NamedTuple):
    """A serialized request that waits to be sent."""

    id: int
    body: bytes


class OutboxWrites(Connected):
    """Keeps requests until they are sent."""

    def post(self, destination: str, body: bytes) -> None:
        """Add a request that is to be sent to a destination, now or after the next start."""
        self._connection.execute("INSERT INTO outbox (destination, body) VALUES (?, ?)", (destination, body))

    def waiting(self, destination: str, limit: int) -> list[Parcel]:
        """Return the oldest requests that wait for a destination, at most so many."""
        rows = self._connection.execute(
            "SELECT id, body FROM outbox WHERE destination = ? ORDER BY id LIMIT ?", (destination, limit)
        )
        return [Parcel(*row) for row in rows]

    def remove(self, parcels: Iterable[Parcel]) -> None:
        """Remove requests that were sent, or given up."""
        self._connection.executemany("DELETE FROM outbox WHERE id = ?", [(parcel.id,) for parcel in parcels])

    def drop_oldest(self, destination: str, limit: int) -> int:
        """Drop the oldest requests for a destination beyond so many. Return how many were dropped."""
        return self._connection.execute(
            "DELETE FROM outbox WHERE destination = ?1 AND id <= "
            "(SELECT id FROM outbox WHERE destination = ?1 ORDER BY id DESC LIMIT 1 OFFSET ?2)",
            (destination, limit),
        ).rowcount

    def destinations(self) -> set[str]:
        """Return the destinations that requests wait for."""
        return {destination for (destination,) in self._connection.execute("SELECT DISTINCT destination FROM outbox")}

    def rename_destination(self, name: str, new_name: str) -> None:
        """Give a destination another name and leave nothing of the old one in unused bytes of the file."""
        self._connection.overwrite_deleted()
        self._connection.execute("UPDATE outbox SET destination = ? WHERE destination = ?", (new_name, name))

    def drop_destination(self, destination: str) -> int:
        """Drop all requests for a destination. Return how many were dropped."""
        return self._connection.execute("DELETE FROM outbox WHERE destination = ?", (destination,)).rowcount
