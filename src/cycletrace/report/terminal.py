"""The report over all cycles, on a terminal: the headline first, then where time goes, then what to do about it."""

from __future__ import annotations

from datetime import tzinfo

from rich.console import Console

from cycletrace.conventions import IDEA
from cycletrace.flow.targets import ENTRY_MARK
from cycletrace.report import words
from cycletrace.report.assemble import Report
from cycletrace.report.layout import QUIET, STRONG, Column, Linked, Page, Part, interval, no_link, share_interval
from cycletrace.report.sections import (
    OPEN_LISTED,
    activations,
    flow_of_work,
    manual_steps,
    test_runs,
    training_times,
    waiting,
)
from cycletrace.report.sections_on_time import changes, time_goes, trends
from cycletrace.report.windows import ALL, parse_zone


def render(report: Report, console: Console, linked: Linked = no_link) -> None:
    """Write a report on a terminal, or on anything else that a console writes on; ``linked`` leads to the traces."""
    page = Page(console)
    zone = parse_zone(report.window.zone)
    _headline(page, report, zone)
    if report.headline.median.n:
        time_goes(page, report)
        changes(page, report)
        waiting(page, report)
        manual_steps(page, report)
        test_runs(page, report)
        activations(page, report)
    training_times(page, report)
    flow_of_work(page, report)
    _traces(page, report, linked)
    trends(page, report, zone)
    page.blank()


def _traces(page: Page, report: Report, linked: Linked) -> None:
    """Where to look at the open cycles that are listed."""
    listed = report.work.open[:OPEN_LISTED]
    found = [(cycle.key or cycle.cycle_id, link) for cycle in listed if (link := linked(cycle.cycle_id)) is not None]
    if found:
        page.blank()
    for name, link in found:
        page.link(link, f"{words.name(name, 36)}  ")


def _headline(page: Page, report: Report, zone: tzinfo) -> None:
    median, reached = report.headline.median, report.attainment
    kind = "" if report.trigger == IDEA else f", trigger {words.name(report.trigger)}"
    page.heading(f"From idea into use{kind}", _window(report, zone))
    page.blank()
    rows: list[list[Part]] = [
        [
            ("Median cycle time", STRONG),
            (words.duration(median.value_ns), STRONG),
            interval(median),
            f"{median.n:,} finished",
        ],
        [
            (target(report), STRONG),
            (words.percent(reached.value), STRONG),
            share_interval(reached.low, reached.high) if reached.n else "",
            f"{reached.n:,} {ENTRY_MARK[report.target.part]}",
        ],
    ]
    columns = [
        Column("", is_name=True),
        Column(""),
        Column("95 %", is_name=True),
        Column("n", is_name=True, is_quiet=True),
    ]
    page.table(columns, rows)
    page.blank()
    page.line(_tally(report))
    for sentence in _notes(report):
        page.line(("· ", QUIET), (sentence, QUIET), hanging=2)


def target(report: Report) -> str:
    """The target in words."""
    part = report.target.part
    return f"{part.capitalize()} in {words.duration(report.target.within_ns)}"


def _window(report: Report, zone: tzinfo) -> str:
    window, now = report.window, words.moment(report.as_of, zone)
    if window.text == ALL or window.begin is None:
        return f"everything up to {now} {window.zone}"
    begin = words.moment(window.begin, zone)
    if window.end == report.as_of + 1:
        return f"{window.text}: {begin} to {now} {window.zone}"
    return f"{begin} to {words.moment(window.end, zone)} {window.zone}, as of {now}"


def _tally(report: Report) -> str:
    counts = report.counts
    found = [f"finished {counts.finished:,}", f"open {counts.open:,}"]
    found += [f"{outcome.replace('_', ' ')} {n:,}" for outcome, n in counts.closed.items() if n]
    if counts.stale:
        found.append(f"stale {counts.stale:,} (open, but silent for 30 days)")
    return ", ".join(found)


def _notes(report: Report) -> list[str]:
    """What has to be known to read the headline aright."""
    counts, median, reached = report.counts, report.headline.median, report.attainment
    notes = []
    if not counts.finished:
        elsewhere = " --window all looks at all times." if report.window.begin is not None else ""
        notes.append(f"No cycle finished in this window, so there is no median.{elsewhere}")
    elif median.n and median.low_ns is None:
        there_are = "there is" if median.n == 1 else "there are"
        notes.append(
            f"The median stands without an interval: one at 95 % takes {median.n_needed} finished cycles, "
            f"{there_are} {median.n}."
        )
    if reached.naive is not None and reached.value is not None and abs(reached.naive - reached.value) >= 0.005:
        notes.append(
            f"{target(report)} counts those that failed or are still open; of those alone that got there, "
            f"it would be {words.percent(reached.naive)}."
        )
    cycles = words.count(reached.left_out, "cycle")
    told = {
        f"{cycles} cannot be judged by the target: marks in the wrong order, or use unknown.": reached.left_out,
        f"Finished, but without a known first use (deployed and settled): {counts.finished_use_unknown:,}.": (
            counts.finished_use_unknown
        ),
        f"Finished, but rolled back since: {counts.finished_rolled_back:,}.": counts.finished_rolled_back,
        f"Finished, but without a known start, so without a cycle time: {counts.finished_time_unknown:,}.": (
            counts.finished_time_unknown
        ),
        _by_trigger(report): any(row.finished for row in counts.by_trigger if row.trigger != report.trigger),
        f"Left out, since implicit and nothing selected in them: {counts.implicit_left_out:,}.": (
            counts.implicit_left_out
        ),
        f"Left out, since an instant in them is no date: {counts.unreadable:,}.": counts.unreadable,
    }
    return notes + [sentence for sentence, is_so in told.items() if is_so]


def _by_trigger(report: Report) -> str:
    others = [
        f"{words.name(row.trigger, 20)} {row.finished:,} finished, median {words.duration(row.median.value_ns)}"
        for row in report.counts.by_trigger
        if row.trigger != report.trigger and row.finished
    ]
    return f"Not in these figures, by trigger: {'; '.join(others)}."
