"""A table with a row for each record, in CSV."""

from __future__ import annotations

import csv
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import NamedTuple

from cycletrace import conventions as c
from cycletrace._internal import instants
from cycletrace._internal.flow import Record, RecordOrigin, Stage
from cycletrace._internal.importers.found import Found, Item, Problem, SourceError
from cycletrace._internal.importers.ids import Job, origin_of, queue_wait

SYSTEM = "csv"
COLUMNS = (
    *("key", "model", "version", "domain", "trigger"),
    *("record", "name", "start", "end", "queued", "stage", "id"),
    *("kind", "outcome", "by", "launch", "attempt", "environment", "mechanism"),
)


class Choices(NamedTuple):
    """What a table does not say."""

    namespace: str
    pseudonym: Callable[[str], str | None]
    """Returns how a person is recorded."""
    since: int | None = None
    """Rows that begin earlier, UTC nanoseconds, are left out."""


def read(lines: Iterable[str], choices: Choices) -> Iterator[Found]:
    """Yield the rows of a table, given its lines, in which bytes that are not UTF-8 are lone surrogates.

    Raises:
        SourceError: if its first line does not name the columns.
    """
    lines = iter(lines)
    head = next(lines, "").removeprefix("\N{BYTE ORDER MARK}")
    delimiter = max(",;\t", key=head.count)
    columns = [name.strip().lower() for name in next(csv.reader([head], delimiter=delimiter), [])]
    missing = [name for name in ("name", "start") if name not in columns]
    if not {"key", "model"} & set(columns):
        missing.insert(0, "key")
    if missing:
        raise SourceError(
            f"line 1 must name the columns, in UTF-8, and lacks {', '.join(missing)}. "
            f"Columns are: {', '.join(COLUMNS)}."
        )
    unknown = [name for name in columns if name not in COLUMNS]
    if unknown:
        yield Problem("line 1", f"columns without a meaning here are left out: {', '.join(map(repr, unknown))}")
    reader = csv.reader(lines, delimiter=delimiter)
    while True:
        where = f"line {reader.line_num + 2}"
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield Problem(where, str(error))
            continue
        if not any(cell.strip() for cell in cells):
            continue
        if not _is_text(cells):
            yield Problem(where, "it is not UTF-8 text")
            continue
        if len(cells) > len(columns):
            yield Problem(where, f"it has {len(cells)} cells, and there are {len(columns)} columns")
            continue
        try:
            item = _item(where, dict(zip(columns, map(str.strip, cells), strict=False)), choices)
        except ValueError as error:
            yield Problem(where, str(error))
        else:
            if item is not None:
                yield item


def _is_text(texts: Iterable[str]) -> bool:
    """Return whether these were UTF-8: what was not became lone surrogates."""
    return not any("\ud800" <= character <= "\udfff" for text in texts if not text.isascii() for character in text)


def _item(where: str, row: Mapping[str, str], choices: Choices) -> Item | None:
    """Return what a row says, or ``None`` if that was too long ago.

    Raises:
        ValueError: if a cell is wrong.
    """
    kind = _word(row, "record", MAKERS) or "stage"
    name = _needed(row, "name")
    start = _instant(row, "start")
    if start is None:
        raise ValueError("start must not be empty")
    if choices.since is not None and start < choices.since:
        return None
    job = Job(_origin(row, choices), SYSTEM, row.get("id") or f"{name} {start}", _attempt(row) or 1)
    made = MAKERS[kind](row, job, name, start, choices)
    return Item(where, f"{job.origin.cycle_id} {kind} {job.id} {job.attempt}", made)


def _origin(row: Mapping[str, str], choices: Choices) -> RecordOrigin:
    model, version = row.get("model") or None, row.get("version") or None
    key = row.get("key") or (c.key_of(model, version) if model and version else "")
    if not key:
        raise ValueError("key must not be empty, unless model and version are there")
    trigger = _word(row, "trigger", c.TRIGGERS)
    return origin_of(
        key, choices.namespace, model=model, version=version, domain=row.get("domain") or None, trigger=trigger
    )


def _stage(row: Mapping[str, str], job: Job, name: str, start: int, choices: Choices) -> tuple[Record, ...]:
    end = _end(row, start)
    outcome = _word(row, "outcome", c.STAGE_OUTCOMES)
    if end is None and outcome is not None:
        raise ValueError(f"end must not be empty, since the outcome is {outcome!r}")
    actor, _, person = row.get("by", "").partition(":")
    if (actor or c.AUTOMATION) != c.AUTOMATION and not (actor == "person" and person):
        raise ValueError(f"by must be automation or person:NAME, got {row['by']!r}")
    stage = Stage(
        job.origin,
        job.stage_id,
        name,
        _word(row, "kind", c.KINDS) or (name if name in c.KINDS else c.OTHER),
        start,
        end,
        outcome or (None if end is None else c.OK),
        attempt=_attempt(row),
        actor=c.HUMAN if person else c.AUTOMATION,
        person=choices.pseudonym(person) if person else None,
        launch=_word(row, "launch", c.LAUNCHES) or c.OTHER,
        environment=row.get("environment") or None,
        mechanism=_word(row, "mechanism", c.MECHANISMS),
    )
    return (*queue_wait(job, _instant(row, "queued"), start), stage)


def _wait(row: Mapping[str, str], job: Job, name: str, start: int, _: Choices) -> tuple[Record, ...]:
    _check("name", name, c.REASONS, "of a wait ")
    stage = job._replace(id=row["stage"]).stage_id if row.get("stage") else None
    return (job.wait(name, start, _end(row, start), stage),)


def _mark(row: Mapping[str, str], job: Job, name: str, start: int, _: Choices) -> tuple[Record, ...]:
    _check("name", name, c.MARKS, "of a mark ")
    return (job.mark(name, start, row.get("environment") or None, _word(row, "mechanism", c.MECHANISMS)),)


def _alias(_: Mapping[str, str], job: Job, name: str, start: int, __: Choices) -> tuple[Record, ...]:
    return (job.alias(name, start),)


def _close(_: Mapping[str, str], job: Job, name: str, start: int, __: Choices) -> tuple[Record, ...]:
    _check("name", name, c.DECLARED_OUTCOMES, "of a close ")
    return (job.close(name, start),)


MAKERS = {"stage": _stage, "wait": _wait, "mark": _mark, "alias": _alias, "close": _close}
"""By what a row may be: the function that makes its records."""


def _needed(row: Mapping[str, str], column: str) -> str:
    if not row.get(column):
        raise ValueError(f"{column} must not be empty")
    return row[column]


def _word(row: Mapping[str, str], column: str, words: Collection[str]) -> str | None:
    """Return the word in a cell, ``None`` if it is empty."""
    word = row.get(column)
    if not word:
        return None
    _check(column, word, words)
    return word


def _check(column: str, word: str, words: Collection[str], of: str = "") -> None:
    if word not in words:
        raise ValueError(f"{column} {of}must be one of {', '.join(words)}, got {word[:60]!r}")


def _instant(row: Mapping[str, str], column: str) -> int | None:
    if not row.get(column):
        return None
    try:
        return instants.parse(row[column])
    except ValueError as error:
        raise ValueError(f"{column} {error}") from None


def _end(row: Mapping[str, str], start: int) -> int | None:
    end = _instant(row, "end")
    if end is not None and end < start:
        raise ValueError(f"end must not be before start, got {row['end']!r} and {row['start']!r}")
    return end


def _attempt(row: Mapping[str, str]) -> int | None:
    text = row.get("attempt")
    if not text:
        return None
    if not (text.isascii() and text.isdecimal() and 0 < int(text) < 10**9):
        raise ValueError(f"attempt must be a whole number from 1, got {text[:60]!r}")
    return int(text)
