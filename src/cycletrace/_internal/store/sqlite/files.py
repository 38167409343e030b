"""Whether the files of an open store are still the ones that SQLite writes to.

SQLite notices nothing when its files are removed, replaced or truncated: commits go on succeeding, and nobody will ever
read them. Source: https://www.sqlite.org/howtocorrupt.html, 4.

Only ``stat`` looks at them: closing a second descriptor of the store would drop SQLite's locks on it (2.2 there).
"""

from __future__ import annotations

import sqlite3
import time
from contextlib import suppress
from pathlib import Path
from secrets import token_hex
from typing import NamedTuple

LOG_LIMIT = 64 << 20
"""Bytes to which SQLite may cut a write-ahead log that it begins anew."""
_LOG_HEADER, _FRAME_HEADER = 32, 24
"""Bytes before the first frame of a log, and before the page in each. Source: https://www.sqlite.org/walformat.html."""
_BUSY = 10.0
"""Seconds to wait for another process to end its checkpoint."""


class _Status(NamedTuple):
    """The file at a path, by device and inode, and its size; no file and 0 where there is none."""

    file: tuple[int, int] | None
    size: int


def identity(path: Path) -> tuple[int, int] | None:
    """Return what identifies the file at a path, ``None`` if there is none."""
    return _status(path).file


def _status(path: Path) -> _Status:
    try:
        status = path.stat()
    except OSError:
        return _Status(None, 0)
    return _Status((status.st_dev, status.st_ino), status.st_size)


def companions(path: Path) -> tuple[Path, Path]:
    """Return where SQLite keeps a store's write-ahead log and its index in shared memory."""
    file = path.resolve()  # SQLite follows links, too
    return file.with_name(f"{file.name}-wal"), file.with_name(f"{file.name}-shm")


def set_aside(path: Path) -> None:
    """Rename a file that must not be used, and that may still be wanted."""
    path.rename(path.with_name(f"{path.name}.{token_hex(4)}"))


class Files:
    """The files of an open store as they were last seen: the database, its write-ahead log and the index of that."""

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        """Remember the files, which the connection must have opened."""
        self._connection = connection
        self._paths = (path.absolute(), *companions(path))
        self._seen = self._look()

    @property
    def identity(self) -> tuple[int, int] | None:
        """The identity of the database."""
        return self._seen[0].file

    def are_intact(self) -> bool:
        """Return whether the very files are in their places and nobody cut anything off.

        Another process may have shortened them rightfully, which SQLite can detect outside a transaction only: within
        one, a shorter file counts as cut.
        """
        now = self._look()
        if now[0].file != self._seen[0].file:
            return False
        is_shorter = any(new.size < old.size for new, old in zip(now, self._seen, strict=True))
        if is_shorter and (self._connection.in_transaction or not self._is_rightfully_shorter(now)):
            return False
        if any(new.file != old.file for new, old in zip(now, self._seen, strict=True)):
            return False
        self._seen = now
        return True

    def leave(self) -> None:
        """Set the log aside where another file has taken the database's place: SQLite would write the log into it.

        Call it after the connection is closed.
        """
        now = self._look()
        if now[0].file in (None, self._seen[0].file):
            return
        for path, new, old in zip(self._paths[1:], now[1:], self._seen[1:], strict=True):
            if new.file is not None and new.file == old.file:
                with suppress(OSError):
                    set_aside(path)

    def _look(self) -> tuple[_Status, ...]:
        return tuple(map(_status, self._paths))

    def _is_rightfully_shorter(self, now: tuple[_Status, ...]) -> bool:
        """Return whether SQLite itself shortened the files: by VACUUM, or by beginning or emptying its log."""
        database, log = now[:2]
        try:
            page_size = self._ask("page_size")
            if log.size == 0:
                frames = self._checkpoint()
                least = _LOG_HEADER + frames * (_FRAME_HEADER + page_size) if frames else 0
                if frames < 0 or _status(self._paths[1]).size < least:
                    return False
            elif log.size < min(self._seen[1].size, LOG_LIMIT):
                return False
            return database.size >= min(self._seen[0].size, self._ask("page_count") * page_size)
        except sqlite3.Error:
            return False

    def _checkpoint(self) -> int:
        """Have SQLite move what the log holds into the database. Return how many frames it believes are in the log.

        The number is negative where another process is at it for too long. Of a log that was removed this saves what
        was committed: SQLite still has it open. Of one that was truncated to nothing it fails at the first read,
        before it writes anything.
        """
        until = time.monotonic() + _BUSY
        while (frames := self._ask("wal_checkpoint(PASSIVE)", 1)) < 0 and time.monotonic() < until:
            time.sleep(0.001)  # another process is at it
        return frames

    def _ask(self, pragma: str, column: int = 0) -> int:
        answer: int = self._connection.execute(f"PRAGMA {pragma}").fetchone()[column]
        return answer
