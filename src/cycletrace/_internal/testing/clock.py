"""Predictable instants and ids."""

from __future__ import annotations

import os
from itertools import count


class Clock:
    """A clock that moves only by :meth:`advance` or by setting it, used as wall clock and monotonic clock."""

    def __init__(self, now: int = 1_700_000_000_000_000_000) -> None:
        self.time = now
        """The current time in UTC nanoseconds. It can be set."""

    def advance(self, seconds: float) -> None:
        """Move the clock forward."""
        self.time += round(seconds * 1_000_000_000)

    def __call__(self) -> int:
        """Return the current time in UTC nanoseconds."""
        return self.time


class SequentialIds:
    """Ids ``0000000000000001``, ``0000000000000002`` and so on; a forked process has a separate sequence."""

    def __init__(self) -> None:
        self._pid = os.getpid()
        self._numbers = count(1)

    def __call__(self) -> str:
        """Return the next id."""
        pid = os.getpid()
        return f"{0 if pid == self._pid else pid:08x}{next(self._numbers):08x}"
