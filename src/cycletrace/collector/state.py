"""What the collector keeps in the store besides records: its metrics, what is yet to be sent, and its name."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping
from contextlib import suppress
from secrets import token_hex
from typing import NamedTuple

from cycletrace.collector.series import (
    Series,
    SeriesKey,
    from_text,
    labels_from_text,
    labels_to_text,
    to_text,
)
from cycletrace.store.observed import COLLECTOR
from cycletrace.urls import take_apart

MAX_OUTBOX = 100_000
"""Requests that wait for one backend. What is older is dropped, and told."""


class Parcel(NamedTuple):
    """A serialized request that waits to be sent."""

    id: int
    body: bytes


def load_series(connection: sqlite3.Connection) -> dict[SeriesKey, Series]:
    """All series that are kept."""
    rows = connection.execute("SELECT metric, labels, state FROM series")
    return {(metric, labels_from_text(labels)): from_text(state) for metric, labels, state in rows}


def save_series(connection: sqlite3.Connection, series: Mapping[SeriesKey, Series]) -> None:
    """Keep these series as they are now."""
    connection.executemany(
        "REPLACE INTO series (metric, labels, state) VALUES (?, ?, ?)",
        [(metric, labels_to_text(labels), to_text(state)) for (metric, labels), state in series.items()],
    )


def probe(connection: sqlite3.Connection, now: int) -> None:
    """Write something, to see whether the store can be written."""
    connection.execute("REPLACE INTO meta (name, value) VALUES ('probed', ?)", (str(now),))


def put_off(connection: sqlite3.Connection, now: int, until: int) -> None:
    """Have the cycle that is the first to be folded now folded at another instant."""
    connection.execute(
        "UPDATE cycles SET due = ? WHERE cycle_id = (SELECT cycle_id FROM cycles WHERE due <= ? ORDER BY due LIMIT 1)",
        (until, now),
    )


def instance_id(connection: sqlite3.Connection) -> str:
    """The name under which this store's metrics are told, the same after every restart."""
    connection.execute("INSERT OR IGNORE INTO meta (name, value) VALUES (?, ?)", (COLLECTOR, token_hex(16)))
    name: str = connection.execute("SELECT value FROM meta WHERE name = ?", (COLLECTOR,)).fetchone()[0]
    return name


def post(connection: sqlite3.Connection, destination: str, body: bytes) -> None:
    """Have a request sent to a destination, now or after the next start."""
    connection.execute("INSERT INTO outbox (destination, body) VALUES (?, ?)", (destination, body))


def waiting(connection: sqlite3.Connection, destination: str, limit: int) -> list[Parcel]:
    """The oldest requests that wait for a destination."""
    rows = connection.execute(
        "SELECT id, body FROM outbox WHERE destination = ? ORDER BY id LIMIT ?", (destination, limit)
    )
    return [Parcel(*row) for row in rows]


def sent(connection: sqlite3.Connection, parcels: Iterable[Parcel]) -> None:
    """These requests are done with."""
    connection.executemany("DELETE FROM outbox WHERE id = ?", [(parcel.id,) for parcel in parcels])


def drop_oldest(connection: sqlite3.Connection, destination: str) -> int:
    """Keep no more than :data:`MAX_OUTBOX` requests for a destination. Returns how many were dropped."""
    return connection.execute(
        "DELETE FROM outbox WHERE destination = ?1 AND id <= "
        "(SELECT id FROM outbox WHERE destination = ?1 ORDER BY id DESC LIMIT 1 OFFSET ?2)",
        (destination, MAX_OUTBOX),
    ).rowcount


def hide_secrets(connection: sqlite3.Connection) -> None:
    """Rename destinations as they are named now: earlier versions kept user, password and query with them."""
    for (known,) in connection.execute("SELECT DISTINCT destination FROM outbox").fetchall():
        with suppress(ValueError):
            address = take_apart(known).address
            if address != known:
                connection.execute("PRAGMA secure_delete = ON")  # nothing of it may stay in unused bytes of the file
                connection.execute("UPDATE outbox SET destination = ? WHERE destination = ?", (address, known))


def forget_others(connection: sqlite3.Connection, destinations: Iterable[str]) -> int:
    """Drop requests for destinations that are no longer sent to. Returns how many."""
    wanted = set(destinations)
    known = {row[0] for row in connection.execute("SELECT DISTINCT destination FROM outbox")}
    return sum(
        connection.execute("DELETE FROM outbox WHERE destination = ?", (destination,)).rowcount
        for destination in known - wanted
    )
