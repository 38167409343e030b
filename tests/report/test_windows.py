from __future__ import annotations

from datetime import datetime, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cycletrace._internal.report import parse_window, parse_zone
from cycletrace._internal.report.windows import instant_of, local, mondays

BERLIN = ZoneInfo("Europe/Berlin")
HOUR = 3600 * 10**9


def at(year: int, month: int, day: int, hour: int = 0) -> int:
    return instant_of(datetime(year, month, day, hour, tzinfo=BERLIN))


@pytest.mark.parametrize(
    ("day", "hours"),
    [("2026-03-29..2026-03-30", 23), ("2026-10-25..2026-10-26", 25), ("2026-06-01..2026-06-02", 24)],
)
def test_a_day_on_which_the_clocks_change_has_its_23_or_25_hours(day: str, hours: int) -> None:
    window = parse_window(day, at(2026, 12, 1), BERLIN)
    assert window.begin is not None
    assert window.end - window.begin == hours * HOUR


@pytest.mark.parametrize(("now", "hours"), [((2026, 3, 29, 12), 23), ((2026, 10, 25, 12), 25), ((2026, 6, 1, 12), 24)])
def test_a_window_of_a_day_begins_at_the_same_wall_clock_time(now: tuple[int, int, int, int], hours: int) -> None:
    window = parse_window("1d", at(*now), BERLIN)
    assert window.begin is not None
    assert window.end - window.begin == hours * HOUR


def test_hours_are_elapsed_hours() -> None:
    window = parse_window("24h", at(2026, 3, 29, 12), BERLIN)
    assert window.begin is not None
    assert window.end - window.begin == 24 * HOUR


def test_the_window_is_half_open_and_includes_the_present_instant() -> None:
    now = at(2026, 6, 1)
    window = parse_window("7d", now, timezone.utc)
    assert window.end == now + 1
    assert window.begin == now + 1 - 7 * 24 * HOUR
    assert window.before == now + 1 - 14 * 24 * HOUR


def test_the_window_before_dates_is_as_many_days() -> None:
    window = parse_window("2026-04-01..2026-07-01", at(2026, 7, 2), BERLIN)
    assert window.before == at(2025, 12, 31)
    assert (window.begin, window.end) == (at(2026, 4, 1), at(2026, 7, 1))


@pytest.mark.parametrize(
    ("text", "begin", "before"),
    [
        ("1m", at(2026, 4, 30, 12), at(2026, 3, 31, 12)),
        ("3m", at(2026, 2, 28, 12), at(2025, 11, 30, 12)),
        ("1y", at(2025, 5, 31, 12), at(2024, 5, 31, 12)),
    ],
)
def test_months_and_years_are_calendar_ones_that_end_on_their_last_day(text: str, begin: int, before: int) -> None:
    window = parse_window(text, at(2026, 5, 31, 12) - 1, BERLIN)
    assert (window.before, window.begin) == (before, begin)


def test_all_has_no_beginning() -> None:
    window = parse_window(" ALL ", 5, timezone.utc)
    assert (window.before, window.begin, window.end) == (None, None, 6)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "d",
        "0d",
        "-3d",
        "90",
        "9001y",
        "90q",
        "999999d",
        "2026-04-01",
        "2026-07-01..2026-04-01",
        "2026-02-30..2026-03-01",
    ],
)
def test_what_is_not_a_window_is_refused_with_examples(text: str) -> None:
    with pytest.raises(ValueError, match=r"not a window.*such as 90d"):
        parse_window(text, at(2026, 6, 1), BERLIN)


@given(st.integers(0, 2**62), st.sampled_from([BERLIN, timezone.utc, ZoneInfo("Pacific/Apia")]))
def test_the_wall_clock_is_to_the_microsecond(instant: int, zone: tzinfo) -> None:
    assert instant_of(local(instant, zone)) == instant // 1000 * 1000


def test_weeks_begin_on_monday_midnight() -> None:
    weeks = mondays(at(2026, 3, 24), at(2026, 4, 1), BERLIN)
    assert [day.isoformat() for day, _ in weeks] == ["2026-03-23", "2026-03-30", "2026-04-06"]
    assert weeks[1][1] - weeks[0][1] == (7 * 24 - 1) * HOUR


def test_time_zones_by_name() -> None:
    assert parse_zone("utc") is timezone.utc
    assert parse_zone("Europe/Berlin") == BERLIN
    assert parse_zone(str(timezone(timedelta(hours=-5, minutes=-30)))) == timezone(timedelta(hours=-5, minutes=-30))
    for name in ("Middle/Earth", "", "../../etc/passwd", "\0", "UTC+99:00"):
        with pytest.raises(ValueError, match="not a time zone"):
            parse_zone(name)
