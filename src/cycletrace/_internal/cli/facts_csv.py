"""Facts as a table: one row for each cycle, for spreadsheets and data frames.

Lengths are seconds, instants UTC. Lists, such as the stages, are only counted.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta, timezone
from typing import Any, TextIO

from cycletrace.conventions import ACTIVITIES, MARKS, PARTS

_TEXTS = ("cycle_id", "key", "namespace", "model", "domain", "version", "trigger", "implicit", "outcome")
COLUMNS = (
    *_TEXTS,
    *MARKS,
    "cycle_s",
    *(f"{part}_s" for part in PARTS),
    *(f"{activity}_s" for activity in ACTIVITIES),
    "stages",
    "waits",
    "flags",
)
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""With these, a spreadsheet takes a text for a formula. Source: OWASP, CSV Injection."""
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


def write(cycles: Iterable[Mapping[str, Any]], out: TextIO) -> bool:
    """Write the header and a row for each cycle. Return whether there was a cycle."""
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    found = False
    for facts in cycles:
        writer.writerow(_row(facts))
        found = True
    return found


def _row(facts: Mapping[str, Any]) -> list[str | int]:
    lengths = facts["activity_ns"] or {}
    return [
        *(_text(facts[name]) for name in _TEXTS),
        *(_instant(facts["marks"][name]) for name in MARKS),
        _seconds(facts["cycle_time_ns"]),
        *(_seconds(facts["parts_ns"][part]) for part in PARTS),
        *(_seconds(lengths.get(activity)) for activity in ACTIVITIES),
        len(facts["stages"]),
        len(facts["waits"]),
        " ".join(sorted(facts["flags"])),
    ]


def _text(value: object) -> str:
    """Return a value as one line that no spreadsheet takes for a formula; nothing if it is unknown."""
    if value is None or isinstance(value, bool):
        return "" if value is None else str(value).lower()
    text = "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in str(value))
    return f"'{text}" if text.startswith(_FORMULA) else text


def _instant(nanoseconds: int | None) -> str:
    """Return an instant in ISO 8601, to the microsecond; nothing if it is unknown."""
    if nanoseconds is None:
        return ""
    return (_EPOCH + timedelta(microseconds=nanoseconds // 1000)).isoformat(timespec="microseconds")


def _seconds(nanoseconds: int | None) -> str:
    """Return a length in seconds, exactly; nothing if it is unknown."""
    if nanoseconds is None:
        return ""
    whole, rest = divmod(abs(nanoseconds), 10**9)
    return f"{'-' if nanoseconds < 0 else ''}{whole}.{rest:09d}"
