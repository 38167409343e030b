"""Instants and ids that tests know beforehand."""

from __future__ import annotations

import os
from itertools import count


class Clock:
    """Stands still unless it is moved; the wall clock and the steady one alike."""

    def __init__(self, now: int = 1_700_000_000_000_000_000) -> None:
        self.time = now
        """Now, UTC nanoseconds. May be set."""

    def advance(self, seconds: float) -> None:
        """Let this much time go by."""
        self.time += round(seconds * 1_000_000_000)

    def __call__(self) -> int:
        """Now, UTC nanoseconds."""
        return self.time


class SequentialIds:
    """``0000000000000001``, ``0000000000000002`` and so on; a forked process has a series of its own."""

    def __init__(self) -> None:
        self._pid = os.getpid()
        self._numbers = count(1)

    def __call__(self) -> str:
        """The next id."""
        pid = os.getpid()
        return f"{0 if pid == self._pid else pid:08x}{next(self._numbers):08x}"
