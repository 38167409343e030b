"""Windows of time: half-open, in a stated time zone.

A window of days begins at the same wall-clock time that many calendar days earlier, so a day on which the clocks change
has its 23 or 25 hours.
"""

from __future__ import annotations

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo

DEFAULT_WINDOW = "90d"
ALL = "all"

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_MICROSECOND = timedelta(microseconds=1)
_HOUR_NS = 3600 * 10**9
_OFFSET = re.compile(r"UTC([+-])([01]\d|2[0-3]):([0-5]\d)")
_LAST = re.compile(r"(\d{1,6})\s*([hdwmy])")


@dataclass(frozen=True)
class Window:
    """``[begin, end)`` in UTC nanoseconds, and ``[before, begin)`` to compare with; ``None`` is no bound.

    ``text`` is the window as asked for, ``zone`` the name of the time zone.
    """

    text: str
    zone: str
    before: int | None
    begin: int | None
    end: int


def parse_zone(name: str) -> tzinfo:
    """Return the time zone of a name in the IANA database, such as ``Europe/Berlin``, or of ``UTC`` or ``UTC+05:30``.

    Raises:
        ValueError: if there is no such time zone. The message says which names there are.
    """
    if name.upper() in ("UTC", "Z"):
        return timezone.utc  # works without a database of time zones
    offset = _OFFSET.fullmatch(name)
    if offset:
        ahead = timedelta(hours=int(offset[2]), minutes=int(offset[3]))
        return timezone(-ahead if offset[1] == "-" else ahead)
    try:
        return ZoneInfo(name)
    except Exception:  # ZoneInfo raises half a dozen kinds for names that are not file names
        raise ValueError(
            f"not a time zone: {name!r}. A time zone is a name in the IANA database, such as Europe/Berlin or UTC; "
            "if this system has no such database, install the package tzdata."
        ) from None


def parse_window(text: str, as_of: int, zone: tzinfo) -> Window:
    """Return the window that a text describes, as of an instant (UTC nanoseconds) that lies within it.

    ``36h``, ``90d``, ``12w``, ``6m`` and ``1y`` are the last hours, and calendar days, weeks, months and years; ``all``
    is everything; ``2026-04-01..2026-07-01`` runs from the first midnight to the second.

    Raises:
        ValueError: if the text is not a window. The message says what a window looks like.
    """
    asked = text.strip().lower()
    end = as_of + 1  # half-open: the instant itself is in it
    name = str(zone)
    if asked == ALL:
        return Window(ALL, name, None, None, end)
    last = _LAST.fullmatch(asked)
    try:
        if last and int(last[1]) > 0:
            count = int(last[1])
            if last[2] == "h":
                begin = end - count * _HOUR_NS
                return Window(asked, name, begin - count * _HOUR_NS, begin, end)
            go_back, length = _BEFORE[last[2]]
            return Window(asked, name, go_back(end, 2 * count * length, zone), go_back(end, count * length, zone), end)
        first, separator, second = asked.partition("..")
        if separator:
            begins, ends = date.fromisoformat(first), date.fromisoformat(second)
            if begins < ends:
                before = begins - (ends - begins)
                return Window(asked, name, *(midnight(day, zone) for day in (before, begins, ends)))
    except (ValueError, OverflowError):
        pass  # no such date: refused below
    raise ValueError(
        f"not a window: {text!r}. A window is a number of hours, days, weeks, months or years, such as 90d, 12w or 6m, "
        f"two dates, such as 2026-04-01..2026-07-01 (the second is not in it), or {ALL}."
    )


def local(instant: int, zone: tzinfo) -> datetime:
    """Return the wall-clock time of an instant (UTC nanoseconds), rounded down to a microsecond."""
    return (_EPOCH + timedelta(microseconds=instant // 1000)).astimezone(zone)


def instant_of(moment: datetime) -> int:
    """Return the instant (UTC nanoseconds) of an aware wall-clock time."""
    return (moment - _EPOCH) // _MICROSECOND * 1000


def midnight(day: date, zone: tzinfo) -> int:
    """Return the instant (UTC nanoseconds) at which a day begins."""
    return instant_of(datetime(day.year, day.month, day.day, tzinfo=zone))


def _days_before(instant: int, days: int, zone: tzinfo) -> int:
    """Return the instant of the same wall-clock time that many calendar days earlier."""
    wall = local(instant, zone).replace(tzinfo=None) - timedelta(days=days)
    return instant_of(wall.replace(tzinfo=zone)) + instant % 1000


def _months_before(instant: int, months: int, zone: tzinfo) -> int:
    """Return the instant of the same wall-clock time that many calendar months earlier, or on their last day."""
    wall = local(instant, zone)
    year, month = divmod(wall.year * 12 + wall.month - 1 - months, 12)
    day = min(wall.day, monthrange(year, month + 1)[1])
    return instant_of(wall.replace(year=year, month=month + 1, day=day, fold=0)) + instant % 1000


_BEFORE = {"d": (_days_before, 1), "w": (_days_before, 7), "m": (_months_before, 1), "y": (_months_before, 12)}
"""How to go back by a unit, and how often."""


def mondays(first: int, last: int, zone: tzinfo) -> list[tuple[date, int]]:
    """Return the date and the instant of each Monday whose week touches ``[first, last]``, and of one more Monday."""
    day = local(first, zone).date()
    day -= timedelta(days=day.weekday())
    found = [(day, midnight(day, zone))]
    while found[-1][1] <= last:
        day += timedelta(days=7)
        found.append((day, midnight(day, zone)))
    return found


def months(first: int, last: int, zone: tzinfo) -> list[tuple[date, int]]:
    """Return the date and the instant of each first of a month that touches ``[first, last]``, and of one more."""
    day = local(first, zone).date().replace(day=1)
    found = [(day, midnight(day, zone))]
    while found[-1][1] <= last:
        day = (day + timedelta(days=31)).replace(day=1)
        found.append((day, midnight(day, zone)))
    return found
