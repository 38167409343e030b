"""The instant of a record: as given, else now."""

from __future__ import annotations

from cycletrace._internal import loading
from cycletrace._internal.api import checks

TYPE_CHECKING = False
if TYPE_CHECKING:
    from datetime import datetime


def recorded_at(at: datetime | int | None = None) -> int | None:
    """Return the given instant in UTC nanoseconds, or ``None`` to use the recorder's clock.

    If the recorder is not loaded yet, read the clock here, not after the tens of milliseconds that loading takes.

    Raises:
        TypeError: if it is not an instant.
        ValueError: if it is a naive datetime.
    """
    instant = checks.instant(at)
    if instant is None and not loading.is_loaded:
        from time import time_ns

        return time_ns()
    return instant
