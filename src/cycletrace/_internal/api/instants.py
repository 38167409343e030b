"""The instant of a record: as given, else now."""

from __future__ import annotations

from cycletrace._internal import loading

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
        return _nanoseconds(at)
    if loading.is_loaded:
        return None
    from time import time_ns

    return time_ns()


def _nanoseconds(at: datetime | int) -> int:
    """Return the UTC nanoseconds of an aware datetime or of UTC nanoseconds.

    Raises:
        TypeError: if it is neither.
        ValueError: if the datetime is naive.
    """
    if isinstance(at, int) and not isinstance(at, bool):
        return at
    offset = getattr(at, "utcoffset", None)
    if offset is None or not hasattr(at, "year"):  # a time of day also has an offset
        raise TypeError(f"at must be an aware datetime or UTC nanoseconds, got {at!r}.")
    if offset() is None:
        raise ValueError(f"at must have a time zone, got {at!r}: use datetime.now(timezone.utc), or set tzinfo.")
    from datetime import datetime, timezone

    assert isinstance(at, datetime)
    since = at - datetime(1970, 1, 1, tzinfo=timezone.utc)
    return ((since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds) * 1_000
