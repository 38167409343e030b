"""One cycle: a row for each run of a stage and each wait, in the order in which they began."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from datetime import tzinfo

from cycletrace import conventions as c
from cycletrace._internal.report.charts.chart import Chart, Figure, Label, Mark, Rect, Rule, Tick, style_of
from cycletrace._internal.report.cycle_report import CycleReport, StageRun, StageWait
from cycletrace._internal.report.document import TO_THE_SECOND, Column, Content, Count, Duration, Instant, Name, table
from cycletrace._internal.report.format import duration, to_text

EXPLANATION = (
    "A row for each stage and each wait, with who did it. Thick: the time that it owned; thin: it went on while "
    "something else held the cycle up. Dotted: marks. Where nothing went on for long, the axis is cut."
)
_MOST_ROWS = 30
_ROW = 34
_CUT = 0.06
"""The share of the axis to which a long stretch without anything shrinks."""


@dataclass(frozen=True)
class _Axis:
    """Where instants lie; ``knots`` are instants and their places, between which the axis is even."""

    knots: tuple[tuple[int, float], ...]
    cuts: tuple[tuple[int, int], ...]

    def place(self, at: int) -> float:
        number = min(max(1, bisect_right(self.knots, (at, 2.0))), len(self.knots) - 1)
        (begin, low), (end, high) = self.knots[number - 1], self.knots[number]
        return min(1.0, max(0.0, low + (high - low) * (at - begin) / max(1, end - begin)))


def cycle_figure(report: CycleReport, zone: tzinfo) -> Figure | None:
    """Return the course of a cycle, up to its end or to now."""
    if report.started is None or report.ended is None or not report.cycle_time_ns:
        return None
    begin, end = report.started, report.ended
    lines: list[StageRun | StageWait] = sorted([*report.stages, *report.waits], key=lambda each: each.start)
    shown = lines[:_MOST_ROWS]
    if not shown:
        return None
    spans = [(line.start, end if line.length_ns is None else line.start + line.length_ns) for line in lines]
    axis = _axis(begin, end, spans)
    unit = 1 / len(shown)
    marks: list[Mark] = [
        Rule(axis.place(at), is_level=False, style="milestone", label=name.replace("_", " "))
        for name, at in reversed(report.marks.items())  # where labels would overlap, the first is written
        if at is not None and begin <= at <= end and name != c.STARTED
    ]
    for first, last in axis.cuts:
        title = f"{duration(last - first)} without anything"
        marks.append(Rect(axis.place(first), axis.place(last), 0, 1, "cut", title))
    rows: list[tuple[Content, ...]] = []
    for number, line in enumerate(shown):
        start, ends = spans[number]
        middle = 1 - (number + 0.68) * unit
        activity, name, what = _described(line)
        text = f"{_label(line)}  {duration(ends - start)}"
        owned = [] if isinstance(line, StageWait) else _owned(report, line, ends)
        if not owned and isinstance(line, StageWait) and line.stage is None:
            owned = [(start, ends, activity)]
        for first, last, owner in owned:
            marks.append(_bar(axis, first, last, middle, 0.21 * unit, f"owner {style_of(owner)}"))
        marks.append(_bar(axis, start, ends, middle, 0.06 * unit, f"owner {style_of(activity)}", is_data=True))
        marks.append(Label(0, 1 - (number + 0.36) * unit, text))
        rows.append((name, what, Instant(start, zone, TO_THE_SECOND), Duration(line.length_ns)))
    left_out = len(lines) - len(shown)
    chart = Chart(
        f"The course of {to_text(Name(report.key or report.cycle_id, 48))}",
        _ROW * len(shown),
        tuple(marks),
        _ticks(axis, begin, zone),
    )
    caption: Content = EXPLANATION
    if left_out > 0:
        caption = EXPLANATION, " ", Count(left_out, "later row"), " not drawn."
    key = tuple((style_of(name), name) for name in c.ACTIVITIES if name in {_described(line)[0] for line in shown})
    columns = [Column("stage or wait"), Column("outcome"), Column("began"), Column("took")]
    return Figure(f"course-{report.cycle_id[:12]}", chart, caption, key, table(columns, rows))


def _axis(begin: int, end: int, spans: list[tuple[int, int]]) -> _Axis:
    """Return an axis that is cut where nothing goes on for more than a third of the time in which something does."""
    gaps: list[tuple[int, int]] = []
    reached = begin
    for start, last in [*spans, (end, end)]:
        if reached < start <= end:
            gaps.append((reached, start))
        reached = max(reached, last)
    busy = end - begin - sum(last - first for first, last in gaps)
    cuts = sorted(sorted((gap for gap in gaps if gap[1] - gap[0] > busy / 3), key=lambda gap: gap[0] - gap[1])[:5])
    kept = end - begin - sum(last - first for first, last in cuts)
    if kept <= 0:
        return _Axis(((begin, 0.0), (end, 1.0)), ())
    room = 1 - _CUT * len(cuts)
    knots, at, place = [(begin, 0.0)], begin, 0.0
    for first, last in cuts:
        place += room * (first - at) / kept
        knots += [(first, place), (last, place + _CUT)]
        at, place = last, place + _CUT
    return _Axis((*knots, (end, 1.0)), tuple(cuts))


def _ticks(axis: _Axis, begin: int, zone: tzinfo) -> tuple[Tick, ...]:
    """Return the instants at which the stretches of the axis begin, where there is room for them."""
    ticks = [(begin, 0.0)]
    for _, last in axis.cuts:
        if axis.place(last) - ticks[-1][1] > 0.2 and axis.place(last) < 0.8:
            ticks.append((last, axis.place(last)))
    return tuple(Tick(place, to_text(Instant(at, zone))) for at, place in ticks)


def _described(line: StageRun | StageWait) -> tuple[str, Content, str]:
    """Return the activity of a row, its name and its outcome."""
    if isinstance(line, StageWait):
        name = f"wait for {line.reason}"
        return f"wait.{line.reason}", name if line.stage is None else (f"{name} in ", Name(line.stage, 32)), ""
    return f"work.{c.HUMAN if line.is_manual else c.AUTOMATION}", Name(line.name, 32), line.outcome or "running"


def _label(line: StageRun | StageWait) -> str:
    if isinstance(line, StageWait):
        name = f"wait for {line.reason}"
        return name if line.stage is None else f"{name} in {to_text(Name(line.stage, 32))}"
    by = line.actor if line.person is None else to_text(Name(line.person, 16))
    outcome = "" if line.outcome in c.SUCCESSES else f", {line.outcome or 'running'}"
    return f"{to_text(Name(line.name, 32))}, {by}{outcome}"


def _owned(report: CycleReport, run: StageRun, end: int) -> list[tuple[int, int, str]]:
    return [
        (stretch.start, stretch.end, stretch.activity)
        for stretch in report.timeline
        if stretch.stage == run.name and run.start <= stretch.start and stretch.end <= end
    ]


def _bar(axis: _Axis, start: int, end: int, middle: float, reach: float, style: str, *, is_data: bool = False) -> Rect:
    left = axis.place(start)
    return Rect(left, max(left, axis.place(end)), middle - reach, middle + reach, style, is_data=is_data)
