from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cycletrace.report import words

S, M, H, D = 10**9, 60 * 10**9, 3600 * 10**9, 86400 * 10**9


@pytest.mark.parametrize(
    ("length", "said"),
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
def test_lengths_are_said_in_their_two_largest_units(length: int | None, said: str) -> None:
    assert words.duration(length) == said


@given(st.integers(0, 2**63), st.integers(0, 2**63))
def test_a_longer_length_is_never_said_as_a_shorter_one(one: int, other: int) -> None:
    units = {"µs": 10**3, "ms": 10**6, "s": S, "min": M, "h": H, "d": D, "y": 365 * D}

    def read(said: str) -> float:
        parts = said.replace(",", "").split()
        return sum(float(number) * units[unit] for number, unit in zip(parts[::2], parts[1::2], strict=True))

    shorter, longer = sorted((one, other))
    assert read(words.duration(shorter)) <= read(words.duration(longer)) * (1 + 1e-9)
    assert read(words.duration(one)) == pytest.approx(one, rel=0.06, abs=1000)


@pytest.mark.parametrize(
    ("value", "said"),
    [(None, "-"), (0.0, "0 %"), (0.001, "< 1 %"), (0.5, "50 %"), (0.9999, "> 99 %"), (1.0, "100 %")],
)
def test_something_is_never_none_and_not_quite_all_is_never_all(value: float | None, said: str) -> None:
    assert words.percent(value) == said


@given(st.text(max_size=200))
def test_a_name_is_one_short_line_that_acts_on_nothing(text: str) -> None:
    shown = words.name(text)
    assert shown.strip()
    assert len(shown) <= words.LONGEST_NAME + 2
    assert all(character.isprintable() or character == "\u200d" for character in shown)
    shown.encode("utf-8")


def test_what_would_act_on_a_terminal_is_made_visible() -> None:
    assert words.name("a\x1b[31mb\nc\u202ed\ud800") == "a\\x1b[31mb\\x0ac\\u202ed\\ud800"
    assert words.name("[red]x[/red] 🚀 ñ") == "[red]x[/red] 🚀 ñ"
    assert words.name("k" * 10_000) == "k" * 59 + "…"
    assert words.name("") == "''"
