"""The instant of a record: as given, else now."""

from __future__ import annotations

from cycletrace._internal import loading
from cycletrace.conventions import FIRST_INSTANT, LAST_INSTANT

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
    if at is not None:
        return nanoseconds(at)
    if loading.is_loaded:
        return None
    from time import time_ns

    return time_ns()


def nanoseconds(at: datetime | int, what: str = "at") -> int:
    """Return the UTC nanoseconds of an aware datetime or of UTC nanoseconds. ``what`` names the argument.

    Raises:
        TypeError: if it is neither.
        ValueError: if the datetime is naive.
    """
    if isinstance(at, int) and not isinstance(at, bool):
        return at
    offset = getattr(at, "utcoffset", None)
    if offset is None or not hasattr(at, "year"):  # a time of day also has an offset
        raise TypeError(f"{what} must be an aware datetime or UTC nanoseconds, got {at!r}.")
    if offset() is None:
        raise ValueError(f"{what} must have a time zone, got {at!r}: use datetime.now(timezone.utc), or set tzinfo.")
    from datetime import datetime, timezone

    assert isinstance(at, datetime)
    since = at - datetime(1970, 1, 1, tzinfo=timezone.utc)
    return ((since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds) * 1_000


def interval(start: datetime | int, end: datetime | int) -> tuple[int, int]:
    """Return the bounds of an interval in UTC nanoseconds.

    Raises:
        TypeError: if one is not an instant.
        ValueError: if one is a naive datetime or not of the years that a record may have, or the end is before the
            start.
    """
    bounds = nanoseconds(start, "start"), nanoseconds(end, "end")
    for what, instant in zip(("start", "end"), bounds, strict=True):
        if not FIRST_INSTANT <= instant <= LAST_INSTANT:
            raise ValueError(f"{what} must be of the years 2000 to 2099, in nanoseconds if a number, got {instant}.")
    if bounds[1] < bounds[0]:
        raise ValueError(f"end must not be before start, got {end!r} and {start!r}.")
    return bounds
