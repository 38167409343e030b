"""The renderer for terminals, and for anything else that a rich console writes to.

Names are written as plain text, never as markup. Where the output takes ASCII only, nothing else is written.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, zip_longest
from math import ceil

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from cycletrace._internal.report.document import (
    Axis,
    Block,
    Column,
    Content,
    Document,
    Duration,
    Interval,
    Link,
    Note,
    Paragraph,
    Percent,
    Spark,
    Strip,
    Table,
    Tone,
    numeric_columns,
    parts,
    quiet,
)
from cycletrace._internal.report.format import to_text

_STYLES = {
    Tone.PLAIN: "",
    Tone.STRONG: "bold",
    Tone.QUIET: "dim",
    Tone.BAD: "red",
    Tone.WORK: "cyan",
    Tone.MANUAL_WORK: "magenta",
    Tone.WAIT: "yellow",
    Tone.UNEXPLAINED: "bright_black",
}
_ASCII = str.maketrans({"µ": "u", "…": "~", "·": "|", "→": ">"})
_EIGHTHS = " ▁▂▃▄▅▆▇█"

_MARGIN = 2
_GAP = "  "
_WIDEST = 120
_WIDE = 100
_STRIP = 10
"""The width of a strip, doubled on a wide terminal; a strip with an axis takes all the room that is left."""
_USUAL_WIDTHS = {Duration: 11, Percent: 6, Interval: 24}
"""Widths by type of cell with which tables line up, where there is room."""
_FIRST_WIDTH = 20
_SHORT, _SHORTEST = 12, 6
"""The widths to which texts wrap: first while there are columns to leave out, then without them."""
_BREAK = re.compile(r"(?<=[^\d ]) |(?<=\d) (?!(?:µs|us|ms|s|min|h|d|y|%)(?!\w))")


@dataclass(frozen=True)
class _Screen:
    width: int
    is_ascii: bool


def render(document: Document, console: Console) -> None:
    """Write a document to a console; lines wrap at its width, and only links are longer."""
    screen = _Screen(min(console.width, _WIDEST), not console.encoding.lower().startswith("utf"))
    for line in _document(document, screen):
        line.rstrip()
        console.print(line, soft_wrap=True, highlight=False)


def _document(document: Document, screen: _Screen) -> Iterator[Text]:
    for section in document:
        yield Text()
        title = _text(section.title, screen, Tone.STRONG)
        about = _text(section.about, screen, Tone.QUIET)
        yield from _wrapped(title.append(_GAP).append_text(about) if about else title, screen.width)
        before: Block | None = None
        for block in section.blocks:
            if before is None or isinstance(before, Table) or isinstance(block, Table):
                yield Text()
            yield from (Text(" " * _MARGIN).append_text(line) for line in _block(block, screen))
            before = block
    yield Text()


def _block(block: Block, screen: _Screen) -> Iterator[Text]:
    room = screen.width - _MARGIN
    match block:
        case Paragraph(content):
            yield from _wrapped(_text(content, screen), room)
        case Note(content):
            bullet = _text("· ", screen, Tone.QUIET)
            for line in _wrapped(_text(content, screen, Tone.QUIET), room - 2):
                yield bullet + line
                bullet = Text("  ")
        case Link(content, url):
            yield _text(content, screen).append(_GAP).append_text(_text(url, screen, Tone.QUIET))
        case Table():
            yield from _table(block, screen, room)


def _text(content: Content, screen: _Screen, tone: Tone = Tone.PLAIN, width: int = 0) -> Text:
    """Return a content as text; parts without a tone of their own get ``tone``, strips ``width``."""
    found = Text()
    for value, own in parts(content):
        style = _STYLES[own if own is not Tone.PLAIN else tone]
        match value:
            case Strip(spans, of):
                found.append(_strip(spans, screen, width), _STYLES[of])
            case Spark(counts):
                found.append(_spark(counts, screen), _STYLES[Tone.WORK])
            case _:
                found.append(_plain(to_text(value), screen), style or None)
    return found


def _plain(text: str, screen: _Screen) -> str:
    if not screen.is_ascii:
        return text
    return text.translate(_ASCII).encode("ascii", "backslashreplace").decode("ascii")


def _strip(spans: Sequence[tuple[float, float]], screen: _Screen, width: int) -> str:
    """Draw spans as columns, full where all of a character is covered; something is never nothing."""
    covered = [0.0] * width
    for begin, end in spans:
        for place in range(int(begin * width), min(ceil(end * width), width)):
            covered[place] += min(end * width, place + 1) - max(begin * width, place)
    if screen.is_ascii:
        return "".join("#" if share >= 0.5 else "." if share > 0 else " " for share in covered)
    return "".join(_EIGHTHS[ceil(min(share, 1.0) * 8)] for share in covered)


def _spark(counts: Sequence[int], screen: _Screen) -> str:
    """Draw a column for each count, the highest full; write the counts where only ASCII can be written."""
    most = max(counts, default=0)
    if screen.is_ascii or not most:
        return " ".join(map(str, counts))
    return "".join(_EIGHTHS[-(-count * 8 // most)] for count in counts)


@dataclass(frozen=True)
class _Layout:
    """The layout of a column."""

    column: Column
    cells: tuple[Content, ...]
    is_number: bool
    is_picture: bool
    usual: int
    """The width with which tables line up."""


def _table(table: Table, screen: _Screen, room: int) -> Iterator[Text]:
    """Lay out a table without rules. Where it is too wide, texts wrap; then optional columns go, last first."""
    numeric = numeric_columns(table)
    shown = [
        _layout(column, tuple(row[place] for row in table.rows), numeric[place], is_first=place == 0)
        for place, column in enumerate(table.columns)
    ]
    while True:
        optional = [layout for layout in shown if layout.is_picture or layout.column.is_optional]
        free = room - len(_GAP) * (len(shown) - 1)
        widths = _widths(shown, screen, free, breaks_words=not optional)
        if sum(widths) <= free or not optional:
            break
        shown.remove(optional[-1])
    titles = [_title(layout.column.title, width) for layout, width in zip(shown, widths, strict=True)]
    rows = list(zip(*(layout.cells for layout in shown), strict=True))
    for cells in [titles, *rows] if any(layout.column.title for layout in shown) else rows:
        yield from _row(cells, shown, widths, screen)


def _layout(column: Column, cells: tuple[Content, ...], is_number: bool, *, is_first: bool) -> _Layout:
    types = {type(value) for cell in cells for value, _ in parts(cell)}
    usual = max([_FIRST_WIDTH if is_first else 1, *(width for of, width in _USUAL_WIDTHS.items() if of in types)])
    return _Layout(column, cells, is_number, Strip in types, usual)


def _widths(layouts: Sequence[_Layout], screen: _Screen, room: int, *, breaks_words: bool) -> list[int]:
    """Return how wide each column is: as usual if there is room, else as narrow as needed; axes take what is left.

    Where that is too wide, texts wrap; words of up to :data:`_FIRST_WIDTH` stay whole unless ``breaks_words``.
    """
    usual, needed, shortest = [], [], []
    for layout in layouts:
        title = layout.column.title
        if layout.is_picture:
            least = _STRIP * (1 + (screen.width >= _WIDE))
            if isinstance(title, Axis):
                least = max(_STRIP, len(to_text(title.begin)) + 1 + len(to_text(title.end)))
            usual.append(least)
            needed.append(least)
            shortest.append(least)
            continue
        cells = [_text(cell, screen) for cell in layout.cells]
        longest = max(cell.cell_len for cell in cells)
        word = max(cell_len(word) for cell in cells for word in _BREAK.split(cell.plain))
        shortest.append(_SHORTEST if breaks_words else max(_SHORT, min(word, _FIRST_WIDTH)))
        titles = str(title).split()
        usual.append(max(longest, cell_len(str(title)), layout.usual))
        needed.append(max([longest, 1, *map(cell_len, titles)]))
    widths = usual if sum(usual) <= room else needed
    texts = [place for place, layout in enumerate(layouts) if not layout.is_number and not layout.is_picture]
    while sum(widths) > room and (texts := [place for place in texts if widths[place] > shortest[place]]):
        widths[max(texts, key=widths.__getitem__)] -= 1
    left = max(0, room - sum(widths))
    axes = (isinstance(layout.column.title, Axis) for layout in layouts)
    return [width + left * is_axis for width, is_axis in zip(widths, axes, strict=True)]


def _title(title: str | Axis, width: int) -> Content:
    if not isinstance(title, Axis):
        return quiet(title)
    begin = to_text(title.begin)
    return quiet(f"{begin}{to_text(title.end):>{width - len(begin)}}")


def _row(
    cells: Sequence[Content], layouts: Sequence[_Layout], widths: Sequence[int], screen: _Screen
) -> Iterator[Text]:
    wrapped = [
        list(_wrapped(_text(cell, screen, layout.column.tone, width), width))
        for cell, layout, width in zip(cells, layouts, widths, strict=True)
    ]
    for pieces in zip_longest(*wrapped, fillvalue=Text()):
        line = Text()
        for place, (piece, layout, width) in enumerate(zip(pieces, layouts, widths, strict=True)):
            cell = piece.copy()
            cell.align("right" if layout.is_number else "left", width)
            line.append(_GAP if place else "").append_text(cell)
        yield line


def _wrapped(text: Text, width: int) -> Iterator[Text]:
    """Break a text into lines at spaces, but never between a number and its unit; within a word only if it must."""
    while text.cell_len > width:
        fits = max(1, sum(reached <= width for reached in accumulate(map(cell_len, text.plain))))
        breaks = [place.start() for place in _BREAK.finditer(text.plain) if place.start() <= fits]
        line, text = text.divide([breaks[-1] if breaks else fits])
        yield line
        text = text[1:] if breaks else text
    yield text
