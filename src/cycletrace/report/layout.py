"""What the reports on a terminal are laid out with: headings, tables, bars, sentences.

Names are put in as plain text, never as markup, so that a bracket in a name is a bracket on the screen. Where the
output cannot take other characters than ASCII, none are written.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate

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
_SHORTEST = 6
_BREAK = re.compile(r"(?<!\d) | (?!(?:µs|us|ms|s|min|h|d|y|%)(?!\w))")


def activity_style(activity: str) -> str:
    """The colour of an activity: what works, what waits, what nobody knows."""
    if activity.startswith("wait."):
        return "yellow"
    return {"work.human": "magenta", "unexplained": "bright_black"}.get(activity, "cyan")


@dataclass(frozen=True)
class Column:
    """A column of a table. Figures stand to the right, and neither wrap nor shrink; names may do both."""

    title: str
    is_name: bool = False
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
        """A table without rules. Where it is too wide, names give way, the longest first."""
        cells = [[self.text(cell) for cell in row] for row in rows]
        titles = [self.text((column.title, QUIET)) for column in columns]
        lines = [titles, *cells] if any(column.title for column in columns) else cells
        widths = [max(1, *(line[place].cell_len for line in lines)) for place in range(len(columns))]
        widths = [max(width, column.width) for width, column in zip(widths, columns, strict=True)]
        room = self.width - MARGIN - len(_GAP) * (len(columns) - 1)
        names = [place for place, column in enumerate(columns) if column.is_name]
        while sum(widths) > room and names and widths[(longest := max(names, key=widths.__getitem__))] > _SHORTEST:
            widths[longest] -= 1
        for line in lines:
            found = Text()
            for place, (cell, column, width) in enumerate(zip(line, columns, widths, strict=True)):
                cell.truncate(width, overflow="crop" if self._is_ascii else "ellipsis")
                if column.is_quiet:
                    cell.stylize_before(QUIET)
                cell.align("left" if column.is_name else "right", width)
                found.append(_GAP if place else "").append_text(cell)
            self._write(MARGIN, found)

    def bar(self, share: float | None, style: str = "cyan") -> Text:
        """A bar as long as the share, to half a character; something is never nothing."""
        if not share or share < 0:
            return Text("")
        halves = max(1, round(min(share, 1.0) * self.bar_width * 2))
        return self.text(("█" * (halves // 2) + "▌" * (halves % 2), style))

    def stretch(self, begin: float, end: float, width: int, style: str = "") -> Text:
        """A bar from one share of the width to another, at least one character."""
        first = min(int(begin * width), width - 1)
        last = max(first + 1, min(width, round(end * width)))
        return self.text(" " * first, ("█" * (last - first), style))

    def spark(self, counts: Sequence[int]) -> Text:
        """A column for each count, the highest full; where only ASCII can be written, the counts."""
        most = max(counts, default=0)
        if self._is_ascii or not most:
            return self.text(" ".join(map(str, counts)))
        return self.text(("".join(_EIGHTHS[-(-count * 8 // most)] for count in counts), "cyan"))


def _wrapped(text: Text, width: int) -> Iterator[Text]:
    """The lines of a text, broken at spaces, but never between a number and its unit; within a word only at need."""
    while text.cell_len > width:
        fits = max(1, sum(reached <= width for reached in accumulate(map(cell_len, text.plain))))
        breaks = [place.start() for place in _BREAK.finditer(text.plain, 0, fits + 1)]
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
