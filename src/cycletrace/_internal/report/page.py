"""The page: the sections of the report with their charts, and cycles one by one."""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import dataclass
from datetime import timezone, tzinfo

from cycletrace import conventions as c
from cycletrace._internal.report.assemble import Report
from cycletrace._internal.report.charts.chart import Figure, anchor_of
from cycletrace._internal.report.charts.cycle import cycle_figure
from cycletrace._internal.report.charts.incidence import incidence_figure
from cycletrace._internal.report.charts.time import mean_figure, stages_figure
from cycletrace._internal.report.charts.trend import medians_figure, points_figure
from cycletrace._internal.report.cycle_report import FLAGS, CycleReport
from cycletrace._internal.report.document import (
    Block,
    Column,
    Content,
    Count,
    Document,
    Duration,
    Interval,
    Name,
    Note,
    Paragraph,
    Percent,
    Section,
    Value,
    table,
)
from cycletrace._internal.report.sections import Linked, later_records, no_link, report_document
from cycletrace._internal.report.sections_cycle import cycle_document
from cycletrace._internal.report.sections_groups import SORTS, grouping_section
from cycletrace._internal.report.sections_practice import (
    activation_section,
    flow_section,
    manual_section,
    model_tests_section,
    more_rows,
    standing_text,
    training_section,
    waits_section,
)
from cycletrace._internal.report.sections_time import (
    accounting_section,
    change_text,
    trend_section,
    what_if_section,
)
from cycletrace._internal.report.summary import compared
from cycletrace._internal.report.windows import parse_zone

_OPEN = 50
"""The largest number of open cycles that are listed, and of stale ones."""


@dataclass(frozen=True)
class Card:
    """One large value, under what it is and above what to know about it."""

    title: Content
    value: Content
    about: Content


@dataclass(frozen=True)
class Part:
    """A part of a page under a title: cards, then figures, then the sections of a document."""

    anchor: str
    title: Content
    about: Content = ""
    cards: tuple[Card, ...] = ()
    figures: tuple[Figure, ...] = ()
    sections: Document = ()
    """A section without a title goes on with the part itself."""


@dataclass(frozen=True)
class Page:
    """The parts of a page; each of ``cycles`` is folded under its key."""

    title: Content
    parts: tuple[Part, ...]
    cycles: tuple[Part, ...] = ()


def report_page(report: Report, cycles: Sequence[CycleReport] = (), linked: Linked = no_link) -> Page:
    """Return the report on all cycles as a page, with those cycles one by one that are given."""
    zone = parse_zone(report.window.zone)
    known = {cycle.cycle_id for cycle in cycles}
    first = report_document(report, linked)[0]  # its first block, a table, has the figures of the cards
    practice = [
        waits_section(report),
        manual_section(report) if report.headline.median.n else None,
        model_tests_section(report) if report.headline.median.n or report.tests.rows else None,
        activation_section(report),
        what_if_section(report),
    ]
    parts = [
        Part("summary", first.title, first.about, _cards(report), sections=(_untitled(first.blocks[1:]),)),
        Part(
            "trend",
            "Trend",
            "are cycles getting faster?",
            figures=_some(points_figure(report, known), medians_figure(report)),
            sections=(trend_section(report, zone),),
        ),
        Part(
            "time",
            "Where the time goes",
            figures=_some(mean_figure(report), stages_figure(report)),
            sections=(accounting_section(report),) if report.headline.median.n else (),
        ),
        Part(
            "production",
            "Time to production" if report.target.part in {c.DEPLOYMENT, "cycle"} else "Time to the target",
            "open and failed cycles count, too",
            figures=_some(incidence_figure(report)),
        ),
        Part("groups", "Teams and models side by side", sections=_groups(report)),
        Part("practice", "Waits, manual work, tests", sections=tuple(each for each in practice if each is not None)),
        Part("open", "Open now", sections=_open(report, linked, known)),
        Part("notes", "Notes", sections=(_notes(report, len(cycles)),)),
    ]
    folded = tuple(cycle_part(cycle, linked, zone, is_folded=True) for cycle in cycles)
    return Page(first.title, tuple(part for part in parts if part.cards or part.figures or part.sections), folded)


def cycle_page(report: CycleReport, linked: Linked = no_link, zone: tzinfo = timezone.utc) -> Page:
    """Return the report on one cycle as a page."""
    part = cycle_part(report, linked, zone, is_folded=False)
    return Page(part.title, (part,))


def cycle_part(report: CycleReport, linked: Linked, zone: tzinfo, *, is_folded: bool) -> Part:
    """Return one cycle as a part of a page; folded, it is shorter."""
    first, *others = cycle_document(report, linked, zone)
    time: Value = "no cycle time" if report.cycle_time_ns is None else Duration(report.cycle_time_ns)
    figure = cycle_figure(report, zone)
    sections = [_untitled(first.blocks)]
    # The figure and its table have the stages and waits.
    sections += [each for each in others if not is_folded or each.title == "Notes"]
    return Part(
        anchor_of(report.cycle_id),
        first.title,
        (report.outcome.replace("_", " "), ", ", time) if is_folded else first.about,
        figures=_some(figure),
        sections=tuple(sections),
    )


def _some(*figures: Figure | None) -> tuple[Figure, ...]:
    return tuple(figure for figure in figures if figure is not None)


def _untitled(blocks: Sequence[Block]) -> Section:
    return Section("", "", tuple(blocks))


def _cards(report: Report) -> tuple[Card, ...]:
    median, attained = report.headline.median, report.attainment
    between = None if median.low_ns is None else Interval(Duration(median.low_ns), Duration(median.high_ns))
    share = None if attained.value is None else Interval(Percent(attained.low), Percent(attained.high))
    verdict, why = compared(report)
    cards = [
        Card("Median cycle time", Duration(median.value_ns), (*_level(between), "n\u00a0=\u00a0", Count(median.n))),
        Card(
            (f"{report.target.part.capitalize()} within ", Duration(report.target.within_ns)),
            "Not known" if attained.value is None else Percent(attained.value),
            attained.reason or (*_level(share), "n\u00a0=\u00a0", Count(attained.n), ", open and failed ones included"),
        ),
        Card("Against the window before", verdict.capitalize() if isinstance(verdict, str) else verdict, why),
    ]
    if report.what_if.changes:
        best = report.what_if.changes[0]
        saves = "would save ", Duration(best.saved_ns), " of the mean (", Percent(best.saved_share), ")"
        cards.append(Card("Automate next", change_text(best), saves))
    return tuple(cards)


def _level(between: Interval | None) -> tuple[Value, ...]:
    return () if between is None else ("95 %: ", between, "; ")


def _groups(report: Report) -> Document:
    sections = [section for sort in SORTS if (section := grouping_section(report, sort)) is not None]
    if sections:
        within = f"{report.target.part} within ", Duration(report.target.within_ns)
        text = "On target: ", *within, ", of all that began it. Hands-free: no manual step after selection. Closed: "
        sections.append(_untitled([Note((*text, "without having finished. A p85 takes ", _needed(report), "."))]))
    training = training_section(report)
    return (*sections, *(() if training is None else (training,)))


def _needed(report: Report) -> Value:
    return Count(report.headline.p85.n_needed, "finished cycle")


def _open(report: Report, linked: Linked, known: Container[str]) -> Document:
    work = report.work
    flow = flow_section(report, linked)
    if flow is None:
        return ()
    sections = [_untitled([block for block in flow.blocks if isinstance(block, Paragraph)])]
    columns = [Column("cycle"), Column("model"), Column("for"), Column("usual"), Column("stands at")]
    for title, stale in (("Under way", False), ("Stale: silent for 30 days", True)):
        listed = [cycle for cycle in work.open if cycle.is_stale == stale]
        rows: list[list[Content]] = [
            [
                Name(cycle.key or cycle.cycle_id, 40, anchor=_anchor(cycle.cycle_id, known)),
                "" if cycle.model is None else Name(cycle.model, 30),
                Duration(cycle.age_ns),
                cycle.compared or "",
                standing_text(cycle.standing),
            ]
            for cycle in listed[:_OPEN]
        ]
        rows += more_rows(len(listed) - _OPEN + (work.open_not_listed if stale else 0), len(columns))
        if rows:
            sections.append(Section(title, Count(len(listed), "cycle"), (table(columns, rows, is_sortable=True),)))
    return tuple(section for section in sections if section.blocks)


def _anchor(cycle_id: str, known: Container[str]) -> str | None:
    return anchor_of(cycle_id) if cycle_id in known else None


def _notes(report: Report, shown: int) -> Section:
    counts = report.counts
    notes: list[Content] = [
        (Count(counts.known, "cycle"), " known at any time."),
        "Finished: in use, or deployed and settled. Open: neither that nor closed.",
        "Intervals are 95 % ones. Figures on where time goes cover finished cycles with a known start.",
    ]
    if counts.implicit_left_out:
        notes.append((Count(counts.implicit_left_out, "cycle"), " left out: implicit, and nothing was selected."))
    if counts.unreadable:
        notes.append((Count(counts.unreadable, "cycle"), " left out: an instant is out of bounds."))
    if report.remarks.later_records:
        notes.append(later_records(report.remarks.later_records))
    if counts.finished_time_unknown:
        notes.append((Count(counts.finished_time_unknown, "finished cycle"), " left out: the start is unknown."))
    if shown:
        notes.append((Count(shown, "cycle"), " one by one: those that ended last, the slowest, open and failed ones."))
    for flag, n in sorted(report.remarks.flagged.items()):
        singular, plural = FLAGS[flag]
        notes.append((Count(n, "cycle"), f": {singular if n == 1 else plural.format(n='some')}."))
    return Section("", "", tuple(Note(note) for note in notes))
