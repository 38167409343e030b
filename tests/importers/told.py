"""Records in the short form that tests of importers compare, in minutes of a morning."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from cycletrace._internal.flow import Record, Stage, Wait
from cycletrace._internal.importers.found import Found, Item, Problem

MINUTE = 60 * 10**9
EIGHT = 1_770_019_200 * 10**9
"""2026-02-02 08:00 UTC."""


def minutes(instant: int | None) -> float | None:
    """After 8:00."""
    return None if instant is None else (instant - EIGHT) / MINUTE


def parted(found: Iterable[Found]) -> tuple[list[Record], list[Problem]]:
    """The records of what was found, and what was wrong with it."""
    items = list(found)
    records = [record for item in items if isinstance(item, Item) for record in item.records]
    return records, [item for item in items if isinstance(item, Problem)]


def told(records: Iterable[Record]) -> list[tuple[Any, ...]]:
    """Waits and stages: reason or name, start, end, outcome of a stage."""
    return [
        (one.name, minutes(one.start), minutes(one.end), one.outcome)
        if isinstance(one, Stage)
        else (one.reason, minutes(one.start), minutes(one.end))
        for one in records
        if isinstance(one, (Stage, Wait))
    ]
