"""File descriptors that stay safe in a program that closes or reuses descriptor numbers.

A program that becomes a daemon closes every descriptor it does not know, and files that it opens later reuse the
numbers. A number kept from before would then refer to one of the user's files.
"""

from __future__ import annotations

import os
from contextlib import suppress

from cycletrace._internal.diagnostics import let_pass

_MOST = 4096
"""Highest descriptor number used: the kernel's table for a process grows to the highest number."""


class Descriptor:
    """An open file: its number, moved well above those that programs usually get, and the file's identity."""

    __slots__ = ("_file", "number")

    def __init__(self, number: int) -> None:
        self.number = _move_up(number)
        self._file = _file_of(self.number)

    def is_intact(self, position: int | None = None) -> bool:
        """Return whether the number still stands for the file that it was opened for.

        With the current position of the file, in bytes, the check is cheap enough for every write: only where the
        position differs is the file itself looked at.
        """
        try:
            if position is not None and os.lseek(self.number, 0, os.SEEK_CUR) == position:
                return True
        except OSError as error:
            let_pass(error)
            return False
        return _file_of(self.number) == self._file

    def close(self) -> None:
        """Close the file, unless the program closed it: the number may belong to another file by now."""
        if self.is_intact():
            with suppress(OSError):
                os.close(self.number)


def _file_of(number: int) -> tuple[int, int] | None:
    try:
        status = os.fstat(number)
    except OSError as error:
        let_pass(error)
        return None
    return status.st_dev, status.st_ino


try:
    # Not inside the function: a child that is forked in the midst of an import would wait for it for ever.
    import fcntl
    import resource
except ImportError:  # Windows

    def _move_up(number: int) -> int:
        return number

else:

    def _move_up(number: int) -> int:
        """Duplicate a descriptor above the usual range and close it; return the same number if none is free."""
        limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        if not 0 < limit <= _MOST:
            limit = _MOST
        try:
            moved = fcntl.fcntl(number, fcntl.F_DUPFD_CLOEXEC, limit * 3 // 4)
        except (OSError, ValueError) as error:
            let_pass(error)
            return number
        os.close(number)
        return moved
