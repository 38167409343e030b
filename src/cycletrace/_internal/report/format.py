"""The values of a document as text: lengths, shares, counts, instants and names."""

from __future__ import annotations

import unicodedata

from cycletrace._internal.report.document import Count, Duration, Instant, Interval, Name, Percent, Rate, Value
from cycletrace._internal.report.windows import local

_US, _MS, _SECOND, _MINUTE, _HOUR, _DAY = 10**3, 10**6, 10**9, 60 * 10**9, 3600 * 10**9, 86400 * 10**9
_YEAR = 365 * _DAY
_LARGEST = {"min": 60, "h": 24, "d": 1000}
"""The number of each unit from which on the next larger unit is used."""


def to_text(value: Value) -> str:
    """Return a value of a document as text, on one line."""
    match value:
        case Duration(ns, is_signed):
            return f"+{duration(ns)}" if is_signed and ns is not None and ns > 0 else duration(ns)
        case Percent(share, is_signed):
            return signed_percent(share) if is_signed else percent(share)
        case Count(n, noun):
            return f"{n:,} {noun if n == 1 else noun + 's'}" if noun else f"{n:,}"
        case Rate(rate):
            return f"{rate:,.1f}"
        case Interval(low, high):
            return f"{to_text(low)} to {to_text(high)}"
        case Instant(ns, zone, pattern):
            return local(ns, zone).strftime(pattern)
        case Name(of, longest, depth):
            return "  " * depth + name(of, longest)
        case _:
            return value


def duration(length: int | None) -> str:
    """Return a length (ns) in its two largest units: ``4 min 12 s``, ``2 d 3 h``, ``12.4 s``; ``-`` for ``None``."""
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


def percent(share: float | None) -> str:
    """Return a share in whole per cent, but never 0 % of something nor 100 % of less than all."""
    if share is None:
        return "-"
    if 0 < share < 0.005:
        return "< 1 %"
    if 0.995 <= share < 1:
        return "> 99 %"
    return f"{share * 100:.0f} %"


def signed_percent(share: float | None) -> str:
    """Return a difference of shares in whole per cent, with its sign."""
    if share is None:
        return "-"
    return f"{share * 100:+.0f} %" if abs(share) >= 0.005 else "0 %"


def name(of: str, longest: int = 60) -> str:
    """Return a name on one line of at most ``longest`` characters.

    Characters that would act on a terminal are written as their code, an empty name as ``''``.
    """
    shown = "".join(_visible(character) for character in of[: longest + 1])
    if len(of) > longest or len(shown) > longest:
        shown = shown[: longest - 1] + "…"
    return shown if shown.strip() else repr(shown)


def _visible(character: str) -> str:
    """Return controls, formats (such as a change of direction) and lone surrogates as their code, others unchanged."""
    # A joiner is part of many emojis, and of words in many scripts.
    if character.isprintable() or character == "\u200d":
        return character
    if unicodedata.category(character) == "Zs":
        return " "
    return f"\\x{ord(character):02x}" if ord(character) < 256 else f"\\u{ord(character):04x}"
