from __future__ import annotations

from datetime import timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cycletrace._internal.report.document import Count, Duration, Instant, Interval, Name, Percent, Rate, Value
from cycletrace._internal.report.format import duration, name, percent, to_text

S, M, H, D = 10**9, 60 * 10**9, 3600 * 10**9, 86400 * 10**9


@pytest.mark.parametrize(
    ("length", "text"),
    [
        (0, "0 s"),
        (1, "1 µs"),
        (1_400_000, "1.4 ms"),
        (9_960_000, "10 ms"),
        (340 * 10**6, "340 ms"),
        (999_600_000, "1.0 s"),
        (12_400 * 10**6, "12.4 s"),
        (59_960 * 10**6, "1 min"),
        (4 * M + 12 * S, "4 min 12 s"),
        (59 * M + 59 * S + 999 * 10**6, "1 h"),
        (2 * H + 3 * M, "2 h 3 min"),
        (23 * H + 59 * M + 59 * S, "1 d"),
        (2 * D + 3 * H, "2 d 3 h"),
        (1500 * D, "4 y 40 d"),
        (2**63 - 1, "292 y 172 d"),
        (-90 * S, "-1 min 30 s"),
        (None, "-"),
    ],
)
def test_a_length_has_its_two_largest_units(length: int | None, text: str) -> None:
    assert duration(length) == text


@given(st.integers(0, 2**63), st.integers(0, 2**63))
def test_a_longer_length_never_reads_as_a_shorter_one(one: int, other: int) -> None:
    units = {"µs": 10**3, "ms": 10**6, "s": S, "min": M, "h": H, "d": D, "y": 365 * D}

    def read(text: str) -> float:
        parts = text.replace(",", "").split()
        return sum(float(number) * units[unit] for number, unit in zip(parts[::2], parts[1::2], strict=True))

    shorter, longer = sorted((one, other))
    assert read(duration(shorter)) <= read(duration(longer)) * (1 + 1e-9)
    assert read(duration(one)) == pytest.approx(one, rel=0.06, abs=1000)


@pytest.mark.parametrize(
    ("share", "text"),
    [(None, "-"), (0.0, "0 %"), (0.001, "< 1 %"), (0.5, "50 %"), (0.9999, "> 99 %"), (1.0, "100 %")],
)
def test_something_is_never_0_percent_and_less_than_all_never_100(share: float | None, text: str) -> None:
    assert percent(share) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("as it is", "as it is"),
        (Duration(90 * S), "1 min 30 s"),
        (Duration(90 * S, is_signed=True), "+1 min 30 s"),
        (Duration(-90 * S, is_signed=True), "-1 min 30 s"),
        (Duration(0, is_signed=True), "0 s"),
        (Duration(None, is_signed=True), "-"),
        (Percent(0.25), "25 %"),
        (Percent(0.25, is_signed=True), "+25 %"),
        (Percent(-0.004, is_signed=True), "0 %"),
        (Percent(None, is_signed=True), "-"),
        (Count(1204), "1,204"),
        (Count(1, "cycle"), "1 cycle"),
        (Count(1204, "cycle"), "1,204 cycles"),
        (Rate(1234.56), "1,234.6"),
        (Interval(Duration(S), Duration(M)), "1.0 s to 1 min"),
        (Instant(1_780_000_000 * S, timezone(timedelta(hours=2))), "2026-05-28 22:26"),
        (Name("a\nb"), "a\\x0ab"),
        (Name("k" * 9, longest=5, depth=2), "    kkkk…"),
    ],
)
def test_each_value_of_a_document_has_a_text(value: Value, text: str) -> None:
    assert to_text(value) == text


@given(st.text(max_size=200))
def test_a_name_is_one_short_line_without_control_characters(text: str) -> None:
    shown = name(text)
    assert shown.strip()
    assert len(shown) <= 60 + 2
    assert all(character.isprintable() or character == "\u200d" for character in shown)
    shown.encode("utf-8")


def test_characters_that_would_act_on_a_terminal_are_written_as_their_code() -> None:
    assert name("a\x1b[31mb\nc\u202ed\ud800") == "a\\x1b[31mb\\x0ac\\u202ed\\ud800"
    assert name("[red]x[/red] 🚀 ñ") == "[red]x[/red] 🚀 ñ"
    assert name("k" * 10_000) == "k" * 59 + "…"
    assert name("") == "''"
