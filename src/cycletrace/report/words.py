"""Lengths, shares and names as people read them. Names come from anywhere, so nothing in them may act on a terminal."""

from __future__ import annotations

import unicodedata
from datetime import tzinfo

from cycletrace.report.windows import local

LONGEST_NAME = 60
NOBODY = "(not named)"

_US, _MS, _SECOND, _MINUTE, _HOUR, _DAY = 10**3, 10**6, 10**9, 60 * 10**9, 3600 * 10**9, 86400 * 10**9
_YEAR = 365 * _DAY


def duration(length: int | None) -> str:
    """A length (ns) in its two largest units: ``4 min 12 s``, ``2 d 3 h``, ``12.4 s``, ``340 ms``; ``-`` of none."""
    if length is None:
        return "-"
    if length < 0:
        return f"-{duration(-length)}"
    if length == 0:
        return "0 s"
    if round(length / _US) < 1000:
        return f"{max(1, round(length / _US))} µs"
    if round(length / _MS, 1) < 10:
        return f"{length / _MS:.1f} ms"
    if round(length / _MS) < 1000:
        return f"{round(length / _MS)} ms"
    if round(length / (_SECOND // 10)) < 600:
        return f"{round(length / _SECOND, 1):.1f} s"
    for large, small, large_name, small_name in (
        (_MINUTE, _SECOND, "min", "s"),
        (_HOUR, _MINUTE, "h", "min"),
        (_DAY, _HOUR, "d", "h"),
        (_YEAR, _DAY, "y", "d"),
    ):
        count = (length + small // 2) // small
        per = large // small
        if large == _YEAR or count < per * _LARGEST[large_name]:
            whole, rest = divmod(count, per)
            return f"{whole:,} {large_name} {rest} {small_name}" if rest else f"{whole:,} {large_name}"
    raise AssertionError


_LARGEST = {"min": 60, "h": 24, "d": 1000}
"""From how many on the next larger unit is used."""


def signed(length: int | None) -> str:
    """A difference of lengths (ns), with its sign."""
    if length is None:
        return "-"
    return f"+{duration(length)}" if length > 0 else duration(length)


def percent(value: float | None) -> str:
    """A share in per cent: whole ones, but never 0 % of something nor 100 % of less than all."""
    if value is None:
        return "-"
    if 0 < value < 0.005:
        return "< 1 %"
    if 0.995 <= value < 1:
        return "> 99 %"
    return f"{value * 100:.0f} %"


def percents(value: float | None) -> str:
    """A signed share in per cent."""
    if value is None:
        return "-"
    return f"{value * 100:+.0f} %" if abs(value) >= 0.005 else "0 %"


def count(n: int, noun: str, plural: str | None = None) -> str:
    """``1 cycle``, ``2 cycles``, ``1,204 cycles``."""
    return f"{n:,} {noun if n == 1 else plural or noun + 's'}"


def name(text: str | None, longest: int = LONGEST_NAME) -> str:
    """A name as it can be shown: one line, at most ``longest``, with what would act on a terminal made visible."""
    if text is None:
        return NOBODY
    shown = "".join(_visible(character) for character in text[: longest + 1])
    if len(text) > longest or len(shown) > longest:
        shown = shown[: longest - 1] + "…"
    return shown if shown.strip() else repr(shown)


def _visible(character: str) -> str:
    """Controls, formats (such as a change of direction) and lone surrogates as their code; others as they are."""
    if character == " " or character.isprintable():
        return character
    # A joiner is part of many an emoji and of words in many a script.
    if character == "\u200d" or unicodedata.category(character) == "Zs":
        return " " if character != "\u200d" else character
    return f"\\x{ord(character):02x}" if ord(character) < 256 else f"\\u{ord(character):04x}"


def moment(instant: int, zone: tzinfo) -> str:
    """The wall-clock time of an instant (UTC ns), to the minute."""
    return local(instant, zone).strftime("%Y-%m-%d %H:%M")


def moment_to_second(instant: int, zone: tzinfo) -> str:
    """The wall-clock time of an instant (UTC ns), to the second."""
    return local(instant, zone).strftime("%Y-%m-%d %H:%M:%S")
