"""Reading the pages of ``docs/``: their sections, tables and fenced blocks."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"

_CELL = re.compile(r"(?<!\\)\|")


class Block(NamedTuple):
    """A fenced block: the words after the fence, its text, and its first line."""

    info: tuple[str, ...]
    text: str
    line: int
    follows_directly: bool
    """True if only empty lines separate it from the previous block."""


Table = list[dict[str, str]]
"""Rows, each by column header."""


def page(name: str) -> str:
    return (DOCS / name).read_text(encoding="utf-8")


def section(text: str, heading: str) -> str:
    """Return the text under this heading, up to the next one of its level or above."""
    lines = text.splitlines()
    (begin,) = (number for number, line in enumerate(lines) if line.lstrip("#") == f" {heading}")
    level = len(lines[begin]) - len(lines[begin].lstrip("#"))
    behind = next(
        (
            number
            for number, line in enumerate(lines[begin + 1 :], start=begin + 1)
            if re.match(rf"#{{1,{level}}} ", line)
        ),
        len(lines),
    )
    return "\n".join(lines[begin + 1 : behind])


def headings(text: str, level: int) -> list[str]:
    return [match[1] for match in re.finditer(rf"^{'#' * level} (.+)$", text, re.MULTILINE)]


def tables(text: str) -> list[Table]:
    """Return all tables of a text."""
    found: list[Table] = []
    head: list[str] | None = None
    for line in text.splitlines():
        if not line.startswith("|"):
            head = None
            continue
        cells = [cell.strip().replace("\\|", "|") for cell in _CELL.split(line)[1:-1]]
        if head is None:
            head = cells
            found.append([])
        elif not cells[0].startswith("---"):  # the rule under the head
            found[-1].append(dict(zip(head, cells, strict=True)))
    return found


def table(text: str, first: str) -> Table:
    """Return the only table whose first column has this header."""
    (only,) = (rows for rows in tables(text) if rows and next(iter(rows[0])) == first)
    return only


def words(text: str) -> list[str]:
    """Return the words in backquotes, outside fenced blocks."""
    return re.findall(r"`([^`]+)`", re.sub(r"^```.*?^```$", "", text, flags=re.DOTALL | re.MULTILINE))


def blocks(text: str) -> Iterator[Block]:
    """Yield the fenced blocks of a text, in order."""
    info: tuple[str, ...] | None = None
    body: list[str] = []
    begin = 0
    follows = False
    for number, line in enumerate(text.splitlines(), start=1):
        if info is None and line.startswith("```"):
            info, body, begin = tuple(line[3:].split()), [], number
        elif info is not None and line == "```":
            yield Block(info, "".join(f"{each}\n" for each in body), begin, follows)
            info, follows = None, True
        elif info is not None:
            body.append(line)
        elif line:
            follows = False
