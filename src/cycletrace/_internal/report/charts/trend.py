"""Every cycle as a point, when it ended and how long it took, and the median of each week or month."""

from __future__ import annotations

from collections.abc import Container

from cycletrace._internal.report.assemble import Report
from cycletrace._internal.report.charts.chart import (
    Chart,
    Dot,
    Figure,
    Line,
    Mark,
    Rule,
    anchor_of,
    scale_of,
    time_ticks,
)
from cycletrace._internal.report.document import Column, Content, Count, Duration, Instant, Interval, Name, Value, table
from cycletrace._internal.report.format import duration, to_text
from cycletrace._internal.report.history import Period, Point
from cycletrace._internal.report.sections_time import stage_name
from cycletrace._internal.report.windows import parse_zone

_KEY = (
    ("finished", "finished"),
    ("open", "open, still rising"),
    ("closed", "closed without finishing"),
    ("median", "median, and its 95 % interval"),
)


def points_figure(report: Report, linked: Container[str]) -> Figure | None:
    """Return each cycle as a point; those among ``linked`` (ids) lead to their part of the page."""
    found, headline = report.history, report.headline
    if not found.points:
        return None
    zone = parse_zone(report.window.zone)
    scale = scale_of([point.time_ns for point in found.points])
    begin, end = _bounds(report)

    def x(at: int) -> float:
        return (at - begin) / (end - begin)

    marks: list[Mark] = []
    marks += [_dot(point, x(point.at), scale.place(point.time_ns), linked) for point in found.points]
    for quantile, name in ((headline.median, "p50"), (headline.p85, "p85")):
        if quantile.value_ns is not None and quantile.n > 1:
            label = f"{name} {duration(quantile.value_ns)}"
            marks.append(
                Rule(scale.place(quantile.value_ns), is_level=True, style=name, label=label, is_below=name == "p50")
            )
    changed = report.change_point.at
    if changed is not None and begin <= changed <= end:
        label = f"{report.change_point.verdict} {to_text(Instant(changed, zone, '%Y-%m-%d'))}"
        marks.append(Rule(x(changed), is_level=False, style="change", label=label))
    chart = Chart(
        "Every cycle, when it ended and how long it took",
        340,
        tuple(marks),
        time_ticks(begin, end, zone),
        scale.ticks(),
    )
    shown: tuple[Value, ...] = (Count(len(found.points), "cycle"),)
    if found.points_in_all > len(found.points):
        shown = ("A random sample of ", Count(len(found.points)), " of ", Count(found.points_in_all, "cycle"))
    caption = (
        *shown,
        f": {found.population}. Height: from start to first use, for the others their time so far",
        " (logarithmic scale)." if scale.is_log else ".",
        " Levels: p50 and p85 of the finished ones." if headline.median.n > 1 else "",
        *(_cause(report) if changed is not None and begin <= changed <= end else ()),
    )
    rows: list[tuple[Content, ...]] = [
        (_key(point), point.state.replace("_", " "), Instant(point.at, zone), Duration(point.time_ns))
        for point in reversed(found.points)
    ]
    titles = ("cycle", "state", "ended, or now", "time")
    return Figure(
        "points", chart, caption, _KEY[:3], table([Column(title) for title in titles], rows, is_sortable=True)
    )


def medians_figure(report: Report) -> Figure | None:
    """Return the median of each period with its interval, if there are several."""
    found = report.history
    if len(found.periods) < 2:
        return None
    zone = parse_zone(report.window.zone)
    lengths = [
        length for period in found.periods for length in (period.median.value_ns, period.median.high_ns) if length
    ]
    scale = scale_of(lengths, may_be_log=False)
    begin, end = found.periods[0].begin, found.periods[-1].end

    def middle(period: Period) -> float:
        return ((period.begin + period.end) / 2 - begin) / (end - begin)

    marks: list[Mark] = []
    places = []
    for period in found.periods:
        median, place = period.median, middle(period)
        title = f"{found.by} of {period.begins}: median {duration(median.value_ns)}, n = {median.n}"
        height = scale.place(median.value_ns or 0)
        if median.low_ns is not None and median.high_ns is not None:
            title += f", 95 %: {duration(median.low_ns)} to {duration(median.high_ns)}"
            low, high = scale.place(median.low_ns), scale.place(median.high_ns)
            marks.append(Line(((place, low), (place, high)), "interval"))
        places.append((place, height))
        marks.append(Dot(place, height, "median", title))
    marks.insert(0, Line(tuple(places), "through"))
    chart = Chart(
        f"Median cycle time by {found.by}",
        220,
        tuple(marks),
        time_ticks(begin, end, zone),
        scale.ticks(5),
    )
    rows: list[tuple[Content, ...]] = [
        (
            period.begins,
            Duration(period.median.value_ns),
            ""
            if period.median.low_ns is None
            else Interval(Duration(period.median.low_ns), Duration(period.median.high_ns)),
            Count(period.median.n),
        )
        for period in found.periods
    ]
    caption = (
        Count(report.headline.median.n, "finished cycle"),
        f": the median of those that finished in each {found.by}. Fewer than ",
        Count(report.headline.median.n_needed),
        " have no interval.",
    )
    columns = [Column(f"{found.by} from"), Column("median"), Column("95 %"), Column("n")]
    return Figure("medians", chart, caption, _KEY[3:], table(columns, rows))


def _cause(report: Report) -> tuple[Value, ...]:
    """Return what the dotted line is, with the most that one stage explains of it, where that is known."""
    stages = report.change_point.stages
    if not stages:
        return (" Dotted: a lasting change.",)
    explained = stage_name(stages[0]), " ", Duration(stages[0].difference_ns, is_signed=True)
    return (" Dotted: a lasting change; the mean changed most by ", *explained, ".")


def _dot(point: Point, x: float, y: float, linked: Container[str]) -> Dot:
    name = to_text(_key(point))
    target = anchor_of(point.cycle_id) if point.cycle_id in linked else None
    took = duration(point.time_ns)
    if point.state == "open":
        return Dot(x, y, "open", f"{name}: open for {took}", target)
    if point.state == "finished":
        return Dot(x, y, "finished", f"{name}: {took}", target)
    return Dot(x, y, "closed", f"{name}: {point.state.replace('_', ' ')} after {took}", target)


def _key(point: Point) -> Name:
    return Name(point.cycle_id if point.key is None else point.key, 48)


def _bounds(report: Report) -> tuple[int, int]:
    """Return the first and the last instant of the axis: those of the points, with a margin."""
    first, last = report.history.points[0].at, report.history.points[-1].at
    margin = max(10**9, (last - first) // 50)
    return first - margin, last + margin
