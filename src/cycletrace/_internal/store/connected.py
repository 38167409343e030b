"""What all parts of a snapshot and of a transaction share: the connection, and the notes about the store as a whole."""

from __future__ import annotations

import sqlite3


class Connected:
    """One subject of an open snapshot or transaction, which are composed of these."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def _noted(self, name: str) -> str | None:
        """Return what is noted of the store under a name."""
        row = self._connection.execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()
        return None if row is None else row[0]

    def _note(self, name: str, value: str) -> None:
        """Note something of the store, in place of what was noted under this name."""
        self._connection.execute("REPLACE INTO meta (name, value) VALUES (?, ?)", (name, value))
