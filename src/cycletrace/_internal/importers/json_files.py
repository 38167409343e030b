"""Answers of an API that were saved: files of JSON, in any order, as ``gh api --paginate`` and ``curl`` write them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from cycletrace._internal.importers.found import Problem, SourceError

_DECODER = json.JSONDecoder()
_BLANK = re.compile(r"\s*")


def objects(paths: Iterable[Path]) -> Iterator[tuple[Path, Mapping[str, Any]] | Problem]:
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


def _objects_in(file: Path) -> Iterator[tuple[Path, Mapping[str, Any]] | Problem]:
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


def _members(value: Any) -> Iterator[Mapping[str, Any]]:
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
