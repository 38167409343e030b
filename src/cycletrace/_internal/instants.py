"""Instants as people and other systems write them."""

from __future__ import annotations

import re
from datetime import datetime, timezone

from cycletrace.conventions import FIRST_INSTANT, LAST_INSTANT

_UNITS = {"seconds": 1_000_000_000, "milliseconds": 1_000_000, "microseconds": 1_000}


def parse(text: str) -> int:
    """Return the UTC nanoseconds of a time: ISO 8601 with a zone, or UTC nanoseconds.

    Raises:
        ValueError: if it is not a time, has no zone, or is one that no record may have.
    """
    return check(int(text) if re.fullmatch("[0-9]+", text) else _parse_iso(text), text)


def parse_written(text: str) -> int:
    """Return the UTC nanoseconds of a time as programs write it: also seconds since 1970, as ``date +%s.%N`` does.

    Raises:
        ValueError: if it is not a time, has no zone, or is one that no record may have.
    """
    seconds = re.fullmatch(r"([0-9]{1,10})(?:\.([0-9]{1,9}))?", text)
    if seconds is None:
        return parse(text)
    return check(int(seconds[1]) * 1_000_000_000 + int((seconds[2] or "").ljust(9, "0")), text)


def check(at: int, text: str) -> int:
    """Return an instant (UTC nanoseconds) that a record may have. ``text`` is how it was written.

    Raises:
        ValueError: if no record may have it.
    """
    if not FIRST_INSTANT <= at <= LAST_INSTANT:
        raise ValueError(f"must be a time from 2000 until 2100, got {text!r}{_unit_hint(text)}")
    return at


def _unit_hint(text: str) -> str:
    """Return what a number seems to mean that is no instant in nanoseconds, or an empty text."""
    for unit, size in _UNITS.items():
        if re.fullmatch("[0-9]+", text) and FIRST_INSTANT <= int(text) * size <= LAST_INSTANT:
            return f". That looks like {unit}; in nanoseconds it is {int(text) * size}"
    return ""


def _parse_iso(text: str) -> int:
    # datetime does not parse nanoseconds, nor Z before Python 3.11.
    parted = re.fullmatch(r"(.+:\d\d)\.(\d{1,9})(\D.*)?", text)
    whole, fraction = (parted[1] + (parted[3] or ""), parted[2]) if parted else (text, "")
    try:
        at = datetime.fromisoformat(whole.removesuffix("Z") + "+00:00" if whole.endswith("Z") else whole)
    except ValueError:
        raise ValueError(f"must be a time such as 2026-11-24T09:30:00Z, or UTC nanoseconds, got {text!r}") from None
    if at.tzinfo is None:
        raise ValueError(
            f"must have a time zone, got {text!r}: write {at.isoformat()}Z for UTC, or {at.isoformat()}+01:00"
        )
    since = at - datetime(1970, 1, 1, tzinfo=timezone.utc)
    return (since.days * 86_400 + since.seconds) * 1_000_000_000 + int(fraction.ljust(9, "0"))


def format_utc(at: int) -> str:
    """Return an instant (UTC nanoseconds) in ISO 8601, to the second."""
    return datetime.fromtimestamp(at // 1_000_000_000, tz=timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
