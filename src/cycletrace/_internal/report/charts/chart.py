"""A chart as plain data: marks in a plot whose corners are (0, 0), below on the left, and (1, 1).

Styles are names, which the style sheet of the page gives a look: ``a-work-human`` is the colour of an activity.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import tzinfo
from math import ceil, log

from cycletrace._internal.report.document import Content, Instant, Table
from cycletrace._internal.report.format import duration, to_text

_SECOND, _MINUTE, _HOUR, _DAY = 10**9, 60 * 10**9, 3600 * 10**9, 86400 * 10**9
_NICE_NS = [
    *(k * 10**power for power in range(3, 9) for k in (1, 2, 5)),
    *(k * _SECOND for k in (1, 2, 5, 10, 20, 30)),
    *(k * _MINUTE for k in (1, 2, 5, 10, 20, 30)),
    *(k * _HOUR for k in (1, 2, 4, 8, 12)),
    *(k * 10**power * _DAY for power in range(4) for k in (1, 2, 5)),
]
"""Lengths at which people expect a tick."""
SHAPES = {"finished": "circle", "open": "arrow", "closed": "cross", "median": "diamond", "reached": "spot"}
"""The shapes of points by style."""
_RANGE = 40
"""Lengths that differ by a larger factor are drawn on a logarithmic scale."""


@dataclass(frozen=True)
class Rect:
    """A bar from ``left`` to ``right`` and ``bottom`` to ``top``; ``title`` is shown on hover.

    ``is_data`` is whether it stands for a row of the chart's data.
    """

    left: float
    right: float
    bottom: float
    top: float
    style: str
    title: str = ""
    is_data: bool = False


@dataclass(frozen=True)
class Dot:
    """A point, whose style has a shape in :data:`SHAPES`; ``target`` is the anchor on the page that it leads to."""

    x: float
    y: float
    style: str
    title: str
    target: str | None = None


@dataclass(frozen=True)
class Line:
    """A line through points."""

    points: tuple[tuple[float, float], ...]
    style: str


@dataclass(frozen=True)
class Area:
    """The area inside a line that ends where it begins."""

    points: tuple[tuple[float, float], ...]
    style: str


@dataclass(frozen=True)
class Rule:
    """A line across the plot, with its label; ``at`` is an x, or a y if the rule lies level.

    The label of a level rule stands above it, or below it.
    """

    at: float
    is_level: bool
    style: str
    label: str = ""
    is_below: bool = False


@dataclass(frozen=True)
class Label:
    """A text whose left end is at a place."""

    x: float
    y: float
    text: str


@dataclass(frozen=True)
class Tick:
    """A place on an axis and its label."""

    at: float
    text: str


Mark = Rect | Dot | Line | Area | Rule | Label


@dataclass(frozen=True)
class Chart:
    """Marks in a plot of ``height`` pixels, and as wide as there is room."""

    title: str
    height: int
    marks: tuple[Mark, ...]
    x_ticks: tuple[Tick, ...] = ()
    y_ticks: tuple[Tick, ...] = ()


@dataclass(frozen=True)
class Figure:
    """A chart with its caption, its key (styles and their meaning), and its data.

    The table has a row for each mark that is data: all dots, and some bars.
    """

    name: str
    chart: Chart
    caption: Content
    key: tuple[tuple[str, str], ...]
    data: Table


@dataclass(frozen=True)
class Scale:
    """A scale of lengths (ns) from 0, or from a shortest length if it is logarithmic."""

    shortest: int
    longest: int
    is_log: bool

    def place(self, length: int) -> float:
        """Return where a length lies, from 0 to 1."""
        if not self.is_log:
            return length / self.longest
        return log(max(length, self.shortest) / self.shortest) / log(self.longest / self.shortest)

    def ticks(self, most: int = 6) -> tuple[Tick, ...]:
        """Return some round lengths."""
        if self.is_log:
            nice = [length for length in _NICE_NS if self.shortest <= length <= self.longest]
            nice = nice[:: max(1, ceil(len(nice) / most))]
        else:
            step = next((length for length in _NICE_NS if length * most >= self.longest), self.longest)
            nice = [step * place for place in range(self.longest // step + 1)]
        return tuple(Tick(self.place(length), duration(length)) for length in nice)


def scale_of(lengths: Sequence[int], *, may_be_log: bool = True) -> Scale:
    """Return a scale on which these lengths (ns) have room."""
    longest = max([1000, *lengths])
    shortest = max(1000, min(lengths, default=1))
    return Scale(shortest * 4 // 5, longest * 23 // 20, may_be_log and longest > _RANGE * shortest)


def time_ticks(begin: int, end: int, zone: tzinfo, number: int = 3) -> tuple[Tick, ...]:
    """Return evenly spaced instants of ``[begin, end]`` (UTC ns), as dates unless that is too short for dates."""
    pattern = "%Y-%m-%d" if end - begin > 4 * _DAY else "%m-%d %H:%M" if end - begin > 8 * _HOUR else "%H:%M:%S"
    places = [place / number for place in range(number)]
    return tuple(Tick(place, to_text(Instant(begin + round(place * (end - begin)), zone, pattern))) for place in places)


def style_of(activity: str) -> str:
    """Return the style of an activity, the same in every chart."""
    return f"a-{activity.replace('.', '-')}"


def anchor_of(cycle_id: str) -> str:
    """Return the anchor of a cycle's part of the page."""
    return f"cycle-{cycle_id[:16]}"
