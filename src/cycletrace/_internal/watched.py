"""What files hold, read again whenever one of them changes."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Generic, TypeVar

_log = logging.getLogger("cycletrace.collector")

T = TypeVar("T")


class Watched(Generic[T]):
    """A value loaded from files. Any thread may use it."""

    def __init__(self, paths: Sequence[Path], load: Callable[[], T]) -> None:
        """Load the value.

        Raises:
            OSError: as ``load`` does, if a file cannot be read.
            ValueError: as ``load`` does, if a file is invalid.
        """
        self._paths = paths
        self._load = load
        self._lock = threading.Lock()
        self._state = self._look()
        self._value = load()

    def current(self) -> T:
        """Return the value of the files as they are now; the last one where they cannot be used, which is logged."""
        with self._lock:
            state = self._look()
            if state != self._state:
                self._state = state  # of before loading, so that a change meanwhile is another change
                names = ", ".join(map(str, self._paths))
                try:
                    self._value = self._load()
                    _log.warning("%s changed, and is in effect", names)
                except (OSError, ValueError) as error:
                    _log.warning("%s changed, but what was read before stays in effect: %s", names, error)
            return self._value

    def _look(self) -> list[tuple[int, ...] | None]:
        return [_identity(path) for path in self._paths]


def _identity(path: Path) -> tuple[int, ...] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns
