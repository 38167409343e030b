"""Sources of ids and instants.

Ids come from the operating system's randomness, never from :mod:`random`: a program that sets a seed must get the same
numbers with and without us, and two runs with one seed must not share ids. Tests replace both sources and compare whole
trees.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from cycletrace._internal.sdk import program, world


def _random_id() -> str:
    return os.urandom(8).hex()


# Neither NTP nor suspend affects it. A built-in function, since every stage calls it.
_STEADY = partial(time.clock_gettime_ns, time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic_ns


class SteadyTime:
    """UTC nanoseconds that never go back within a process, so that what it records stays in order.

    Where the wall clock is set forward, they follow at once: the machine slept, or was wrong before. Where it is set
    back, they go on at the pace of a monotonic clock, and approach it as slowly as NTP would.
    """

    __slots__ = ("_latest", "_steady", "_wall")

    SLEW = 2_000
    """Nanoseconds in which they lose one, at most."""

    def __init__(self, wall: Callable[[], int] = time.time_ns, steady: Callable[[], int] = _STEADY) -> None:
        self._wall = wall
        self._steady = steady
        self._latest = (wall() - steady(), steady())

    def __call__(self) -> int:
        wall = self._wall()
        steady = self._steady()  # after the wall clock: a pause between the two must not move time forward
        offset, before = self._latest
        offset = max(wall - steady, offset - (steady - before) // self.SLEW)
        self._latest = offset, steady
        return steady + offset


class Source(NamedTuple):
    """The sources of instants and ids."""

    now: Callable[[], int] = SteadyTime()
    """UTC nanoseconds of what is recorded."""
    steady: Callable[[], int] = _STEADY
    """Nanoseconds of a monotonic clock with an arbitrary zero."""
    new_id: Callable[[], str] = _random_id
    """A new span id: 16 lower-case hex digits."""
    world: Callable[[], world.World | None] = world.find
    """The world of this process."""
    program: Callable[[], str | None] = program.shared_id
    """What this run of the program has in common with its workers."""
    wall: Callable[[], int] = time.time_ns
    """The wall clock, UTC nanoseconds."""
