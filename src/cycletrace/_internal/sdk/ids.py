"""Sources of ids and instants.

Ids come from the operating system's randomness, never from :mod:`random`: a program that sets a seed must get the same
numbers with and without us, and two runs with one seed must not share ids. Tests replace both sources and compare whole
trees.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import NamedTuple

from cycletrace._internal.sdk import program, world


def _random_id() -> str:
    return os.urandom(8).hex()


def _steady_ns() -> int:
    """Return the nanoseconds of a clock that neither NTP nor suspend affects."""
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME)


class Source(NamedTuple):
    """The sources of instants and ids."""

    now: Callable[[], int] = time.time_ns
    """The wall clock, UTC nanoseconds."""
    steady: Callable[[], int] = _steady_ns if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic_ns
    """Nanoseconds of a monotonic clock with an arbitrary zero."""
    new_id: Callable[[], str] = _random_id
    """A new span id: 16 lower-case hex digits."""
    world: Callable[[], world.World | None] = world.find
    """The world of this process."""
    program: Callable[[], str | None] = program.shared_id
    """What this run of the program has in common with its workers."""
