"""What an importer finds in the history of another system."""

from __future__ import annotations

from typing import NamedTuple

from cycletrace._internal.flow import Record


class Item(NamedTuple):
    """A row, run or job, and the records that follow from it."""

    where: str
    """Where it stands, for people: ``line 7``."""
    id: str
    """What identifies it in its source."""
    records: tuple[Record, ...]
    version: str | None = None
    """Differs whenever its source has something new about it; ``None``: it has to be looked at to know."""


class Problem(NamedTuple):
    """What could not be used, and why."""

    where: str
    reason: str


Found = Item | Problem


class SourceError(Exception):
    """A source that cannot be read any further: a sentence on why, and on what to do."""
