"""What the reports on a terminal are laid out with: headings, tables, bars, sentences.

Names are put in as plain text, never as markup, so that a bracket in a name is a bracket on the screen. Where the
output cannot take other characters than ASCII, none are written.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, zip_longest
from math import ceil

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from cycletrace.report import words
from cycletrace.report.quantiles import Quantile

QUIET = "dim"
STRONG = "bold"
MARGIN = 2

_ASCII = str.maketrans({"µ": "u", "…": "~", "█": "#", "▌": "#", "▓": "=", "▒": "-", "░": ".", "·": "|", "→": ">"})
_EIGHTHS = " ▁▂▃▄▅▆▇█"

Part = str | tuple[str, str] | Text
"""A text, plain, with a style, or laid out already."""

Linked = Callable[[str], str | None]
"""From the id of a cycle to the link to its trace, ``None`` where there is none."""

_WIDE = 100
_GAP = "  "
_SHORT, _SHORTEST = 12, 6
"""Characters to which names are wrapped, first as long as there are pictures to leave out, then without."""
_BREAK = re.compile(r"(?<=[^\d ]) |(?<=\d) (?!(?:µs|us|ms|s|min|h|d|y|%)(?!\w))")


def activity_style(activity: str) -> str:
    """The colour of an activity: what works, what waits, what nobody knows."""
    if activity.startswith("wait."):
        return "yellow"
    return {"work.human": "magenta", "unexplained": "bright_black"}.get(activity, "cyan")


@dataclass(frozen=True)
class Column:
    """A column of a table. Figures stand to the right, names and pictures to the left; only names give way and wrap."""

    title: str
    is_name: bool = False
    is_picture: bool = False
    is_quiet: bool = False
    width: int = 1
    """At least so many characters, so that tables below each other line up."""


class Page:
    """A terminal, and what is written on it, from top to bottom."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._is_ascii = not console.encoding.lower().startswith("utf")
        self.width = min(console.width, 120)

    def plain(self, text: str) -> str:
        """The text as this output can take it."""
        if not self._is_ascii:
            return text
        return text.translate(_ASCII).encode("ascii", "backslashreplace").decode("ascii")

    @property
    def bar_width(self) -> int:
        """How long a bar of all of it is."""
        return 20 if self.width >= _WIDE else 10

    @property
    def weeks(self) -> int:
        """How many weeks there is room for."""
        return 52 if self.width >= _WIDE else 26

    def text(self, *parts: Part) -> Text:
        """A text of parts."""
        found = Text()
        for part in parts:
            if isinstance(part, Text):
                found.append_text(part)
            else:
                content, style = part if isinstance(part, tuple) else (part, "")
                found.append(self.plain(content), style or None)
        return found

    def line(self, *parts: Part, indent: int = MARGIN, hanging: int = 0) -> None:
        """A line, wrapped where it is too long; what is wrapped hangs so many characters deeper."""
        left, room = indent, self.width - indent - hanging
        for line in _wrapped(self.text(*parts), room):
            self._write(left, line)
            left = indent + hanging

    def _write(self, indent: int, line: Text) -> None:
        line.rstrip()
        self._console.print(Text(" " * indent).append_text(line), soft_wrap=True, highlight=False)

    def note(self, sentence: str) -> None:
        """A quiet sentence."""
        self.line((sentence, QUIET))

    def link(self, url: str, *before: Part) -> None:
        """A link, on a line that is never broken, so that it can be followed."""
        self._write(MARGIN, self.text(*before, (url, QUIET)))

    def blank(self) -> None:
        """An empty line."""
        self._console.print()

    def heading(self, title: str, beside: str = "") -> None:
        """What follows, and, quietly, what it is about."""
        self.blank()
        self.line((title, STRONG), (f"  {beside}" if beside else "", QUIET), indent=0)

    def table(self, columns: Sequence[Column], rows: Iterable[Sequence[Part]]) -> None:
        """A table without rules or empty columns. Where it is too wide, names and titles wrap; then pictures go."""
        lines = [[self.text(cell) for cell in row] for row in rows]
        lines.insert(0, [self.text((column.title, QUIET)) for column in columns])
        filled = [place for place in range(len(columns)) if any(line[place].plain for line in lines[1:])]
        told = [place for place in filled if not columns[place].is_picture]
        for places, shortest in ((filled, _SHORT), (told, _SHORT), (told, _SHORTEST)):
            shown = [columns[place] for place in places]
            cells = [[line[place] for place in places] for line in lines]
            room = self.width - MARGIN - len(_GAP) * (len(shown) - 1)
            widths = _widths(shown, cells, room, shortest)
            if sum(widths) <= room:
                break
        for line in cells if any(column.title for column in shown) else cells[1:]:
            self._row(shown, line, widths)

    def _row(self, columns: Sequence[Column], cells: Sequence[Text], widths: Sequence[int]) -> None:
        wrapped = [list(_wrapped(cell, width)) for cell, width in zip(cells, widths, strict=True)]
        for pieces in zip_longest(*wrapped, fillvalue=Text()):
            found = Text()
            for place, (piece, column, width) in enumerate(zip(pieces, columns, widths, strict=True)):
                cell = piece.copy()
                if column.is_quiet:
                    cell.stylize_before(QUIET)
                cell.align("left" if column.is_name or column.is_picture else "right", width)
                found.append(_GAP if place else "").append_text(cell)
            self._write(MARGIN, found)

    def bar(self, share: float | None, style: str = "cyan") -> Text:
        """A bar as long as the share, to half a character; something is never nothing."""
        if not share or share < 0:
            return Text("")
        halves = max(1, round(min(share, 1.0) * self.bar_width * 2))
        return self.text(("█" * (halves // 2) + "▌" * (halves % 2), style))

    def lane(self, shares: Sequence[float], style: str = "") -> Text:
        """A column for each share, full where it is all; something is never nothing."""
        if self._is_ascii:
            return self.text("".join("#" if share >= 0.5 else "." if share > 0 else " " for share in shares))
        return self.text(("".join(_EIGHTHS[ceil(min(share, 1.0) * 8)] for share in shares), style))

    def spark(self, counts: Sequence[int]) -> Text:
        """A column for each count, the highest full; where only ASCII can be written, the counts."""
        most = max(counts, default=0)
        if self._is_ascii or not most:
            return self.text(" ".join(map(str, counts)))
        return self.text(("".join(_EIGHTHS[-(-count * 8 // most)] for count in counts), "cyan"))


def _widths(columns: Sequence[Column], lines: Sequence[Sequence[Text]], room: int, shortest: int) -> list[int]:
    """How wide each column is, the first line being titles: as wide as it should be, else as narrow as it must be."""
    wanted, needed = [], []
    for place, column in enumerate(columns):
        title, *cells = (line[place] for line in lines)
        longest = max(cell.cell_len for cell in cells)
        wanted.append(max(longest, title.cell_len, column.width))
        needed.append(max(longest, *map(cell_len, [title.plain] if column.is_picture else title.plain.split()), 1))
    if sum(wanted) <= room:
        return wanted
    names = [place for place, column in enumerate(columns) if column.is_name]
    while sum(needed) > room and names and needed[(longest := max(names, key=needed.__getitem__))] > shortest:
        needed[longest] -= 1
    return needed


def _wrapped(text: Text, width: int) -> Iterator[Text]:
    """The lines of a text, broken at spaces, but never between a number and its unit; within a word only at need."""
    while text.cell_len > width:
        fits = max(1, sum(reached <= width for reached in accumulate(map(cell_len, text.plain))))
        breaks = [place.start() for place in _BREAK.finditer(text.plain) if place.start() <= fits]
        line, text = text.divide([breaks[-1] if breaks else fits])
        yield line
        text = text[1:] if breaks else text
    yield text


def no_link(_: str) -> None:
    """A :data:`Linked` for where no traces are kept."""


def interval(of: Quantile) -> str:
    """The interval of a quantile, nothing where there is none."""
    return "" if of.low_ns is None else f"{words.duration(of.low_ns)} to {words.duration(of.high_ns)}"


def share_interval(low: float | None, high: float | None) -> str:
    """The interval of a share."""
    return f"{words.percent(low)} to {words.percent(high)}"
