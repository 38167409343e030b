"""What matters most, in a few lines: the headline, the trend, what to automate next, and what is open."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from cycletrace._internal.report.assemble import Report
from cycletrace._internal.report.document import (
    Content,
    Count,
    Document,
    Duration,
    Instant,
    Note,
    Paragraph,
    Percent,
    Picture,
    Value,
    join,
    parts,
)
from cycletrace._internal.report.populations import Counts
from cycletrace._internal.report.sections import Linked, no_link, report_document
from cycletrace._internal.report.sections_practice import key_of, standing_text
from cycletrace._internal.report.sections_time import change_text, stage_name
from cycletrace._internal.report.trend import Explained
from cycletrace._internal.report.windows import parse_zone


def summary_document(report: Report) -> Document:
    """Return the summary of the report on all cycles: at most ten lines on a terminal of 80 columns."""
    headline = brief(report)[0]
    lines: list[Content] = [_tally(report.counts), ("Trend: ", *_trend(report), ".")]
    if report.what_if.changes:
        best = report.what_if.changes[0]
        saved = ", saves ", Duration(best.saved_ns), " on average (", Percent(best.saved_share), ")."
        lines.append(("Automate next: ", *_values(change_text(best)), *saved))
    under_way = [cycle for cycle in report.work.open if not cycle.is_stale]
    if under_way:
        oldest = under_way[0]
        age = ", ", Duration(oldest.age_ns), ", "
        lines.append(("Open for longest: ", key_of(oldest), *age, *standing_text(oldest.standing), "."))
    lines.append("Notes and all other figures: cycletrace report --full")
    return (replace(headline, blocks=(headline.blocks[0], *map(Paragraph, lines))),)


def short_document(report: Report, linked: Linked = no_link) -> Document:
    """Return the report for a pull request or the summary of a CI job: in Markdown, fewer than 60 lines."""
    return (*summary_document(report), *report_document(report, linked, ("automate",))[1:])


def brief(report: Report, linked: Linked = no_link, names: Iterable[str] = ()) -> Document:
    """Return some sections of the report after its headline, without the notes on that."""
    headline, *others = report_document(report, linked, names)
    blocks = tuple(block for block in headline.blocks if not isinstance(block, Note))
    return (replace(headline, blocks=blocks), *others)


def _trend(report: Report) -> tuple[Value, ...]:
    """Return whether cycles got faster: against the window before, else since a change within this one."""
    verdict, why = compared(report)
    change, begin = report.change_point, report.window.begin
    if isinstance(verdict, Duration):
        return verdict, ", ", report.trend.verdict, *_most(report.trend.stages)
    if change.at is not None and begin is not None and change.at >= begin:
        day = Instant(change.at, parse_zone(report.window.zone), "%Y-%m-%d")
        return f"{change.verdict} ", day, *_most(change.stages)
    return *_values(verdict), "; ", *_values(why)


def _most(stages: Sequence[Explained]) -> tuple[Value, ...]:
    return (", most by ", *_values(stage_name(stages[0]))) if stages else ()


def _tally(counts: Counts) -> Content:
    tally = {
        "finished": counts.finished,
        "open": counts.open,
        "stale": counts.stale,
        "failed or given up": sum(counts.closed.values()),
    }
    return (*join((Count(n), f" {state}") for state, n in tally.items() if n or state == "finished"), ".")


def compared(report: Report) -> tuple[Content, Content]:
    """Return whether cycles got faster, and the most that one stage explains of it or why nobody can tell."""
    trend = report.trend
    difference = Duration(trend.difference_ns, is_signed=True)
    conclusive, _, reason = trend.verdict.partition(": ")
    if reason:
        beside = () if trend.low_ns is None else (difference, ": ")
        return conclusive, (*beside, reason)
    most = trend.stages[0]
    change = Duration(most.difference_ns, is_signed=True)
    return difference, (conclusive, ". Of the mean, most by ", stage_name(most), ": ", change)


def _values(content: Content) -> tuple[Value, ...]:
    return tuple(value for value, _ in parts(content) if not isinstance(value, Picture))
