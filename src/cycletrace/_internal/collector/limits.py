"""What the collector takes at most, so that nothing that arrives can exhaust it."""

from __future__ import annotations

from contextlib import suppress
from typing import NamedTuple

KIB = 1024
MIB = 1024 * KIB


class Limits(NamedTuple):
    """Bounds on what is received. Sizes are bytes, times seconds."""

    body: int = 16 * MIB
    """The largest message, before and after decompression."""
    in_flight: int = 256 * MIB
    """All messages that are received and not yet answered, together."""
    overhead: int = 16 * KIB
    """What a request counts for besides its message, so that a million small ones cannot pile up either."""
    patience: float = 10.0
    """How long a message may take to arrive, and how long it may wait for room."""
    hurry: float = 1.0
    """How long a message may take to arrive while others wait for room: some slow senders must not keep out all."""
    grace: float = 2.0
    """How long what is under way may take to end when the collector stops."""


def allow_many_connections() -> None:
    """Raise the soft limit of open files, often 1,024, to the hard one: each connection is a file."""
    with suppress(ImportError, OSError, ValueError):  # a platform without such limits, or a place that forbids it
        import resource

        _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
