"""One import: which of the items found are new, which of their records can be used, and how many there are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from hashlib import sha256
from typing import Any, NamedTuple

from cycletrace._internal.flow import Record
from cycletrace._internal.flow.records import Stage, Wait, began
from cycletrace._internal.importers.documents import document_of
from cycletrace._internal.importers.found import Found, Item, Problem, SourceError
from cycletrace._internal.importers.seen import Seen
from cycletrace._internal.journal.documents import EventDocument, SpanDocument
from cycletrace._internal.store import Rejected, decode_document

AHEAD = 86_400 * 10**9
"""Nanoseconds by which an instant may lie in the future, since clocks differ."""
MOST_PROBLEMS = 1000
"""How many problems are kept; the others are only counted."""

Document = SpanDocument | EventDocument
Take = Callable[[Sequence[Record], Sequence[Document]], None]
"""Takes the records of an item, and the same as documents. If it raises, the item counts as not imported."""


class Imported(NamedTuple):
    """What came of an import."""

    cycles: int
    records: Counter[str]
    """How many of each type, such as ``stage`` or ``mark``."""
    unchanged: int
    """Items that were imported before and are as they were."""
    problems: list[Problem]
    """The first of them."""
    problem_count: int
    error: str | None
    """Why the source could not be read to its end."""


def run(found: Iterable[Found], seen: Seen, take: Take, now: int) -> Imported:
    """Hand each new or changed item on, and note it.

    Args:
        found: The items of a source.
        seen: What was imported before.
        take: Records what it is given.
        now: UTC nanoseconds: what lies far ahead of it is a problem.
    """
    cycles: set[str] = set()
    records: Counter[str] = Counter()
    problems: list[Problem] = []
    count = unchanged = 0
    error = None
    try:
        for item in found:
            wrong: list[Problem] = []
            if isinstance(item, Problem):
                wrong.append(item)
            elif seen.get(item.id) == (version := item.version or _digest(item)):
                unchanged += 1
            else:
                checked = [_checked(item, record, now) for record in item.records]
                wrong = [one for one in checked if isinstance(one, Problem)]
                pairs = [one for one in checked if not isinstance(one, Problem)]
                take([record for record, _ in pairs], [document for _, document in pairs])
                seen.note(item.id, version)
                cycles.update(record.origin.cycle_id for record, _ in pairs)
                records.update(type_of(record) for record, _ in pairs)
            count += len(wrong)
            problems += wrong[: MOST_PROBLEMS - len(problems)]
    except SourceError as failure:
        error = str(failure)
    return Imported(len(cycles), records, unchanged, problems, count, error)


def type_of(record: Record) -> str:
    """Return the type of a record as a word, such as ``stage``."""
    return type(record).__name__.lower()


def as_json(record: Record) -> dict[str, Any]:
    """Return a record as plain values, with its type."""
    return {"type": type_of(record), **record._asdict(), "origin": record.origin._asdict()}


def _digest(item: Item) -> str:
    return sha256(repr(item.records).encode("utf-8", "replace")).hexdigest()[:16]


def _checked(item: Item, record: Record, now: int) -> tuple[Record, Document] | Problem:
    """Return a record with its document, or why readers could not use it."""
    document = document_of(record)
    try:
        decode_document(document, {})
    except Rejected as error:
        return Problem(item.where, str(error))
    end = record.end if isinstance(record, (Stage, Wait)) else None
    if max(began(record), end or 0) > now + AHEAD:
        return Problem(item.where, "it is more than a day ahead")
    return record, document
