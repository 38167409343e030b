"""Errors of SQLite, each explained in one sentence that says what to do."""

from __future__ import annotations

import sqlite3
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from cycletrace._internal.store.errors import StoreError


@contextmanager
def explained(path: Path) -> Generator[None, None, None]:
    """Raise what SQLite says of this store as a :class:`StoreError`. Wrong use of it by our code stays what it is."""
    try:
        yield
    except (sqlite3.ProgrammingError, sqlite3.IntegrityError):
        raise
    except sqlite3.DatabaseError as error:
        raise StoreError(_sentence(path, str(error))) from error


def _sentence(path: Path, message: str) -> str:
    # SQLite's own words decide, because Python 3.10 does not hand its error codes over.
    if "locked" in message or "busy" in message:
        return f"The store {path} is locked by another process: try again, or end that process."
    if "full" in message:
        return f"The disk of the store {path} is full: make room, then try again."
    if "readonly" in message or "unable to open" in message:
        return (
            f"The store {path} cannot be written or opened ({message}): give its owner access, or choose another store."
        )
    if "disk I/O error" in message:
        return (
            f"The disk of the store {path} failed to read or write ({message}). The store is as after the last commit: "
            "check the disk and its mount, then try again."
        )
    return (
        f"The store {path} is damaged ({message}): put a backup in its place, or move it away and begin a new one, "
        "into which the journals that are still there are read again."
    )
