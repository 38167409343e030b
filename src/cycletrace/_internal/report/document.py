"""A report as a document: sections of plain, typed blocks.

The sections of a report write its wording, once; a renderer per medium lays the blocks out and words nothing. Numbers
stay numbers up to the renderer, and names from users stay as they are. ``format`` writes each
value as text.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from enum import Enum, auto

TO_THE_MINUTE = "%Y-%m-%d %H:%M"
TO_THE_SECOND = "%Y-%m-%d %H:%M:%S"
TIME_OF_DAY = "%H:%M:%S"


class Tone(Enum):
    """The emphasis or the meaning of a value; renderers choose a style for it."""

    PLAIN = auto()
    STRONG = auto()
    QUIET = auto()
    BAD = auto()
    WORK = auto()
    MANUAL_WORK = auto()
    WAIT = auto()
    UNEXPLAINED = auto()


@dataclass(frozen=True)
class Duration:
    """A length of time (ns), ``None`` if unknown; with its sign if it is a difference."""

    ns: int | None
    is_signed: bool = False


@dataclass(frozen=True)
class Percent:
    """A share (1 is all), ``None`` if unknown; with its sign if it is a difference."""

    share: float | None
    is_signed: bool = False


@dataclass(frozen=True)
class Count:
    """A number of things; ``noun`` is in the singular."""

    n: int
    noun: str = ""


@dataclass(frozen=True)
class Rate:
    """A number that is not an integer, such as cycles per week."""

    value: float


@dataclass(frozen=True)
class Interval:
    """The interval of a figure."""

    low: Duration | Percent
    high: Duration | Percent


@dataclass(frozen=True)
class Instant:
    """An instant (UTC ns) and how to write it; ``pattern`` is one of ``strftime``."""

    ns: int
    zone: tzinfo
    pattern: str = TO_THE_MINUTE


@dataclass(frozen=True)
class Name:
    """A text from outside, which may hold anything.

    ``depth`` is its indentation in a tree, ``anchor`` the part of the same page that it leads to.
    """

    text: str
    longest: int = 60
    depth: int = 0
    anchor: str | None = None


@dataclass(frozen=True)
class Strip:
    """A picture of spans on a line from 0 to 1, such as a bar or the stretches of a stage over its cycle."""

    spans: tuple[tuple[float, float], ...]
    tone: Tone = Tone.WORK


@dataclass(frozen=True)
class Spark:
    """A picture of counts, one after the other."""

    counts: tuple[int, ...]


Number = Duration | Percent | Count | Rate
Value = str | Number | Interval | Instant | Name
Picture = Strip | Spark


@dataclass(frozen=True)
class Toned:
    """Values in a tone."""

    values: tuple[Value, ...]
    tone: Tone


Part = Value | Picture | Toned
Content = Part | tuple[Part, ...]
"""What a heading, a paragraph or a cell holds: one part, or several that are written without a gap."""


@dataclass(frozen=True)
class Paragraph:
    """A sentence or a few."""

    content: Content


@dataclass(frozen=True)
class Note:
    """A remark on the figures around it."""

    content: Content


@dataclass(frozen=True)
class Link:
    """A name that leads to a URL, which must stay in one piece."""

    content: Content
    url: str


@dataclass(frozen=True)
class Axis:
    """The title of a column of strips that share a scale: what 0 and 1 stand for."""

    begin: Value
    end: Value


@dataclass(frozen=True)
class Column:
    """A column of a table; one that ``is_optional`` is left out where there is no room for it."""

    title: str | Axis = ""
    tone: Tone = Tone.PLAIN
    is_optional: bool = False


@dataclass(frozen=True)
class Table:
    """Rows of cells, as many as there are columns. Where ``is_sortable``, their order has no meaning of its own."""

    columns: tuple[Column, ...]
    rows: tuple[tuple[Content, ...], ...]
    is_sortable: bool = False


Block = Paragraph | Note | Link | Table


@dataclass(frozen=True)
class Section:
    """Blocks under a title; ``about`` names, quietly, the cycles that they are about."""

    title: Content
    about: Content
    blocks: tuple[Block, ...]


Document = tuple[Section, ...]
"""The first section is the title of the document."""


def strong(*values: Value) -> Toned:
    """Return values that stand out."""
    return Toned(values, Tone.STRONG)


def quiet(*values: Value) -> Toned:
    """Return values that stand back."""
    return Toned(values, Tone.QUIET)


def bar(share: float | None, tone: Tone = Tone.WORK) -> Content:
    """Return a bar as long as the share; nothing if the share is 0 or unknown."""
    return Strip(((0.0, min(share, 1.0)),), tone) if share and share > 0 else ""


def table(columns: Sequence[Column], rows: Iterable[Sequence[Content]], *, is_sortable: bool = False) -> Table:
    """Return a table without the columns whose cells are all empty."""
    rows = list(rows)
    filled = [place for place in range(len(columns)) if any(row[place] != "" for row in rows)]
    return Table(
        tuple(columns[place] for place in filled),
        tuple(tuple(row[place] for place in filled) for row in rows),
        is_sortable,
    )


def join(items: Iterable[tuple[Value, ...]], separator: str = ", ") -> tuple[Value, ...]:
    """Return all values, with a separator between the items."""
    joined: list[Value] = []
    for item in items:
        joined += (separator, *item) if joined else item
    return tuple(joined)


def parts(content: Content) -> Iterator[tuple[Value | Picture, Tone]]:
    """Iterate over the parts of a content, each with its tone."""
    for part in content if isinstance(content, tuple) else (content,):
        if isinstance(part, Toned):
            yield from ((value, part.tone) for value in part.values)
        else:
            yield part, Tone.PLAIN


def numeric_columns(of: Table) -> list[bool]:
    """Return which columns hold numbers, to be aligned at the right."""
    return [any(_is_number(row[place]) for row in of.rows) for place in range(len(of.columns))]


def _is_number(cell: Content) -> bool:
    return all(isinstance(value, Duration | Percent | Count | Rate) for value, _ in parts(cell))
