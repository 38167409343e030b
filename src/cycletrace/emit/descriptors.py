"""File descriptors of our own in a program that may close, or reuse, any number.

A program that becomes a daemon closes every descriptor it does not know, and the next file it opens gets one of the
freed numbers. A bare number kept from before would then name the user's file.
"""

from __future__ import annotations

import os
from contextlib import suppress

_MOST = 4096
"""Descriptors for which room is made at most: the kernel's table of a process grows to the highest number."""


class Descriptor:
    """An open file: its number, moved well above those that programs usually get, and the file that it stands for."""

    __slots__ = ("_file", "number")

    def __init__(self, number: int) -> None:
        self.number = _move_up(number)
        self._file = _file_of(self.number)

    def is_intact(self) -> bool:
        """Return whether the number still stands for the file that it was opened for."""
        return _file_of(self.number) == self._file

    def close(self) -> None:
        """Close the file, unless somebody else did: the number may be theirs by now."""
        if self.is_intact():
            with suppress(OSError):
                os.close(self.number)


def _file_of(number: int) -> tuple[int, int] | None:
    try:
        status = os.fstat(number)
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _move_up(number: int) -> int:
    """Return the number of a duplicate above the usual range, the old one closed; the same one where none is free."""
    try:
        import fcntl
        import resource
    except ImportError:  # Windows
        return number
    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if not 0 < limit <= _MOST:
        limit = _MOST
    try:
        moved = fcntl.fcntl(number, fcntl.F_DUPFD_CLOEXEC, limit * 3 // 4)
    except (OSError, ValueError):
        return number
    os.close(number)
    return moved
