"""How many cycles got to the end of the target's part, by the time since they began it."""

from __future__ import annotations

from collections.abc import Callable

from cycletrace._internal.flow.targets import ENTRY_MARK
from cycletrace._internal.report.assemble import Report
from cycletrace._internal.report.charts.chart import Area, Chart, Dot, Figure, Line, Mark, Rule, Tick, scale_of
from cycletrace._internal.report.document import Column, Content, Count, Duration, Interval, Percent, table
from cycletrace._internal.report.format import duration, percent
from cycletrace._internal.report.incidence import Step

_KEY = (
    ("reached", "share that got there, and its 95 % interval"),
    ("competing", "share that closed without"),
)


def incidence_figure(report: Report) -> Figure | None:
    """Return the share of cycles that got there as a curve, up to the longest follow-up."""
    found, target = report.incidence, report.target
    if not found.steps or not found.longest_ns:
        return None
    steps, longest = found.steps, found.longest_ns
    drawn = [step.length_ns for step in steps if step.length_ns]
    scale = scale_of([*drawn, longest, target.within_ns])

    def stairs(height: Callable[[Step], float]) -> tuple[tuple[float, float], ...]:
        points, level = [(0.0, 0.0)], 0.0
        for step in steps:
            points += [(scale.place(step.length_ns), level), (scale.place(step.length_ns), height(step))]
            level = height(step)
        return (*points, (scale.place(longest), level))

    band = (*stairs(lambda step: step.high), *reversed(stairs(lambda step: step.low)))
    reached, competing = stairs(lambda step: step.value), stairs(lambda step: step.closed_without)
    marks: list[Mark] = [Area(band, "band"), Line(reached, "reached")]
    marks.append(Line(competing, "competing"))
    label = f"target {duration(target.within_ns)}: {percent(report.attainment.value)}"
    marks.append(Rule(scale.place(target.within_ns), is_level=False, style="target", label=label))
    marks += [
        Dot(
            scale.place(step.length_ns),
            step.value,
            "reached",
            f"within {duration(step.length_ns)}: {percent(step.value)}",
        )
        for step in steps
    ]
    chart = Chart(
        f"Share of cycles through {target.part}, by the time since {ENTRY_MARK[target.part]}",
        300,
        tuple(marks),
        scale.ticks(4)[:4],
        tuple(Tick(share / 100, f"{share} %") for share in (0, 25, 50, 75, 100)),
    )
    of = f" of {found.steps_in_all:,}" if found.steps_in_all > len(steps) else ""
    caption = (
        Count(found.n, "cycle"),
        f": {found.population}. Open ones count for as long as they were followed, closed ones never get there. ",
        "Nothing is drawn beyond the longest follow-up, ",
        Duration(longest),
        ".",
        " Logarithmic scale." if scale.is_log else "",
        f" {len(steps)}{of} steps are drawn." if of else "",
    )
    rows: list[tuple[Content, ...]] = [
        (
            Duration(step.length_ns),
            Percent(step.value),
            Interval(Percent(step.low), Percent(step.high)),
            Percent(step.closed_without),
        )
        for step in steps
    ]
    columns = [Column("within"), Column("got there"), Column("95 %"), Column("closed without")]
    return Figure("incidence", chart, caption, _KEY, table(columns, rows))
