"""Charts as SVG inside a page. Widths are shares of the room, so texts keep their size on every screen."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape

from cycletrace._internal.report.charts.chart import SHAPES, Area, Chart, Dot, Label, Line, Mark, Rect, Rule

_LEFT, _WIDTH = 12.0, 84.0
"""Where a plot with labels at its left begins, and how wide it is, in per cent."""
_TOP, _BOTTOM = 22, 26
"""The room above and below a plot, in pixels."""

DEFINITIONS = """\
<svg class="definitions" width="0" height="0" aria-hidden="true"><defs>
<pattern id="hatch" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">\
<rect width="2" height="6" class="hatch"/></pattern>
<circle id="circle" r="3.5"/><circle id="spot" r="2"/>\
<path id="arrow" d="M-5 3L0-6L5 3z"/><path id="diamond" d="M-5 0L0-5L5 0L0 5z"/>\
<path id="cross" d="M-4-4L4 4M-4 4L4-4"/>
</defs></svg>"""
"""The shapes and patterns that charts refer to; once on a page."""


def render(chart: Chart) -> str:
    """Return a chart as an SVG element."""
    has_axis = bool(chart.y_ticks)
    plot = _Plot(chart.height, _LEFT if has_axis else 0.0, _WIDTH if has_axis else 100.0)
    height = _TOP + chart.height + (_BOTTOM if chart.x_ticks else 6)
    label = f"Chart: {chart.title}. Its data follow as a table."
    pieces = [f'<svg class="chart" height="{height}" role="group" aria-label="{escape(label)}">']
    for tick in chart.y_ticks:
        y = plot.y(tick.at)
        pieces.append(f'<line class="grid" x1="0" x2="100%" y1="{y}" y2="{y}"/>')
        pieces.append(f'<text class="tick" x="0" y="{y - 4:g}">{escape(tick.text)}</text>')
    below = _TOP + chart.height + 18
    pieces += (
        f'<text class="tick" x="{plot.x(tick.at)}" y="{below}">{escape(tick.text)}</text>' for tick in chart.x_ticks
    )
    pieces += (piece for mark in chart.marks for piece in plot.mark(mark))
    pieces.append("</svg>")
    return "".join(pieces)


class _Plot:
    """The place of a plot in its SVG element."""

    def __init__(self, height: int, left: float, width: float) -> None:
        self._height, self._left, self._width = height, left, width
        self._labelled: list[float] = []

    def x(self, at: float) -> str:
        return f"{self._left + at * self._width:.4g}%"

    def y(self, at: float) -> float:
        return round(_TOP + (1 - at) * self._height, 1)

    def mark(self, mark: Mark) -> Iterator[str]:
        match mark:
            case Rect(left, right, bottom, top, style, title, is_data):
                width = f"{(right - left) * self._width:.4g}%"
                x, y, height = self.x(left), self.y(top), round((top - bottom) * self._height, 1)
                box = f'x="{x}" y="{y:g}" width="{width}" height="{height:g}"'
                yield f'<rect class="{"mark " * is_data}{style}" {box}{_titled(title, "rect")}'
                if "-wait" in style:
                    yield f'<rect class="hatched" {box}/>'
            case Dot(x, y, style, title, target):
                place = f'x="{self.x(x)}" y="{self.y(y):g}"'
                dot = f'<use href="#{SHAPES[style]}" class="mark {style}" {place}{_titled(title, "use")}'
                yield dot if target is None else f'<a href="#{target}" aria-label="{escape(title)}">{dot}</a>'
            case Line(points, style):
                yield self._path(points, style, "")
            case Area(points, style):
                yield self._path(points, style, "z")
            case Rule(at, True, style, label, is_below):
                y = self.y(at)
                beside = y + 14 if is_below else y - 4
                yield f'<line class="rule {style}" x1="{self.x(0)}" x2="100%" y1="{y:g}" y2="{y:g}"/>'
                if label:
                    yield f'<text class="label end" x="100%" y="{beside:g}">{escape(label)}</text>'
            case Rule(at, _, style, label, _):
                x = self.x(at)
                yield (
                    f'<line class="rule {style}" x1="{x}" x2="{x}" y1="{_TOP - 4}" y2="{_TOP + self._height}"'
                    f"{_titled(label, 'line')}"
                )
                if label and all(abs(at - other) > 0.16 for other in self._labelled):
                    self._labelled.append(at)
                    end = " end" if at > 0.5 else ""
                    yield f'<text class="label{end}" x="{x}" y="12">{escape(label)}</text>'
            case Label(x, y, text):
                yield f'<text class="name" x="{self.x(x)}" y="{self.y(y):g}">{escape(text)}</text>'

    def _path(self, points: Sequence[tuple[float, float]], style: str, end: str) -> str:
        """Return a path in a box of its own that is stretched over the plot."""
        path = "L".join(f"{x * 1000:.4g} {(1 - y) * 1000:.4g}" for x, y in points)
        box = f'x="{self._left}%" y="{_TOP}" width="{self._width}%" height="{self._height}"'
        return (
            f'<svg {box} viewBox="0 0 1000 1000" preserveAspectRatio="none">'
            f'<path class="{style}" d="M{path}{end}"/></svg>'
        )


def _titled(title: str, tag: str) -> str:
    """Return the end of an element, with the title that is shown on hover."""
    return f"><title>{escape(title)}</title></{tag}>" if title else "/>"
