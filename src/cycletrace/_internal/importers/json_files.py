"""Answers of an API that were saved: files of JSON, in any order, as ``gh api --paginate`` and ``curl`` write them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from cycletrace._internal.importers.found import Problem, SourceError
from cycletrace._internal.importers.jobs import Json

_DECODER = json.JSONDecoder()
_BLANK = re.compile(r"\s*")


def grouped(paths: Iterable[Path], marks: Mapping[str, str], what: str) -> tuple[dict[str, list[Json]], list[Problem]]:
    """Return the objects in these files by kind, and what is wrong with the files.

    Args:
        paths: Files and folders.
        marks: By kind, the field by which an object is of it. The first that fits counts.
        what: What the objects may be, for people.

    Raises:
        SourceError: if there is no such file or folder.
    """
    found: dict[str, list[Json]] = {kind: [] for kind in marks}
    problems: list[Problem] = []
    strangers: dict[Path, None] = {}
    for one in objects(paths):
        if isinstance(one, Problem):
            problems.append(one)
            continue
        file, value = one
        kind = next((kind for kind, field in marks.items() if field in value), None)
        if kind is None:
            strangers[file] = None
        else:
            found[kind].append(value)
    problems += (Problem(str(file), f"it holds objects that are no {what}") for file in strangers)
    return found, problems


def latest(found: Iterable[Json], changed: str) -> Iterable[Json]:
    """Return each object once, as it was when it last changed: answers may have been saved more than once."""
    return {str(one.get("id")): one for one in sorted(found, key=lambda one: str(one.get(changed) or ""))}.values()


def objects(paths: Iterable[Path]) -> Iterator[tuple[Path, Json] | Problem]:
    """Yield every JSON object in these files, and in those with the ending ``.json`` in these folders.

    A file may hold several values one after the other. Of arrays, and of arrays in an object, the members are yielded.

    Raises:
        SourceError: if there is no such file or folder.
    """
    for path in paths:
        if not path.exists():
            raise SourceError(f"{path} does not exist.")
        for file in sorted(path.rglob("*.json")) if path.is_dir() else [path]:
            yield from _objects_in(file)


def _objects_in(file: Path) -> Iterator[tuple[Path, Json] | Problem]:
    try:
        text = file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        yield Problem(str(file), f"it cannot be read: {getattr(error, 'strerror', None) or error}")
        return
    position = _next_value(text, 0)
    while position < len(text):
        try:
            value, end = _DECODER.raw_decode(text, position)
        except (ValueError, RecursionError):
            yield Problem(str(file), f"it is cut off, or no JSON, after {position:,} characters; save it again")
            return
        for one in _members(value):
            yield file, one
        position = _next_value(text, end)


def _next_value(text: str, position: int) -> int:
    match = _BLANK.match(text, position)
    return position if match is None else match.end()


def _members(value: Any) -> Iterator[Json]:
    """Yield the objects of a value: of pages such as ``{"total_count": 1, "jobs": [...]}``, their members."""
    if isinstance(value, list):
        for member in value:
            yield from _members(member)
    elif isinstance(value, dict):
        lists = [member for name, member in value.items() if isinstance(member, list) and name != "steps"]
        if "total_count" in value and lists:
            yield from _members(lists[0])
        else:
            yield value
