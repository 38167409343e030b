"""Ids and instants, where they come from.

Ids come from the operating system's randomness, never from :mod:`random`: a program that seeds its streams must
get the same numbers with and without us, and two runs under one seed must not share ids. Clock and ids are plain
functions in one value, so that tests set both and compare whole trees.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import NamedTuple


def _random_id() -> str:
    return os.urandom(8).hex()


def _steady_ns() -> int:
    """A clock that neither NTP steps nor suspend bend, where the platform has one."""
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME)


class Source(NamedTuple):
    """Where instants and ids come from."""

    now: Callable[[], int] = time.time_ns
    """The wall clock, UTC nanoseconds."""
    steady: Callable[[], int] = _steady_ns if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic_ns
    """Nanoseconds of a clock that only ever goes on; its zero means nothing."""
    new_id: Callable[[], str] = _random_id
    """A new span id: 16 lower-case hex digits."""
