"""When something is said: at the instant that was given, else as it is said."""

from __future__ import annotations

from cycletrace._api import checks
from cycletrace.emit import loading

TYPE_CHECKING = False
if TYPE_CHECKING:
    from datetime import datetime


def said_at(at: datetime | int | None = None) -> int | None:
    """UTC nanoseconds of what was given; ``None`` leaves it to the clock of the machinery, which is at hand.

    Where the machinery is yet to be loaded the instant is taken here: what is said is said now, and not after the
    tens of milliseconds that loading takes.

    Raises:
        TypeError: where it is no instant.
        ValueError: where it is a naive datetime.
    """
    instant = checks.instant(at)
    if instant is None and not loading.is_loaded:
        from time import time_ns

        return time_ns()
    return instant
