"""The report on all cycles as a document: the headline first, then where time goes, then what to do about it."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from cycletrace import conventions as c
from cycletrace._internal.flow.targets import CYCLE, ENTRY_MARK
from cycletrace._internal.report.assemble import Report
from cycletrace._internal.report.document import (
    Block,
    Column,
    Content,
    Count,
    Document,
    Duration,
    Instant,
    Interval,
    Name,
    Note,
    Paragraph,
    Percent,
    Section,
    Tone,
    Value,
    join,
    strong,
    table,
)
from cycletrace._internal.report.populations import ANY_TRIGGER, TriggerCount
from cycletrace._internal.report.sections_groups import SORTS, grouping_section, months_section
from cycletrace._internal.report.sections_practice import (
    activation_section,
    flow_section,
    manual_section,
    model_tests_section,
    training_section,
    waits_section,
)
from cycletrace._internal.report.sections_time import accounting_section, interval, trend_section, what_if_section
from cycletrace._internal.report.windows import ALL, parse_zone

Linked = Callable[[str], str | None]
"""Returns the URL of a cycle's trace, by the id of the cycle, or ``None``."""

_REACHED = {
    CYCLE: "finished",
    c.TRAINING: "trained",
    c.SELECTION: "selected",
    c.DEPLOYMENT: "finished",
    c.ACTIVATION: "activated",
}
"""Cycles that reached the end of the part of a target."""


def no_link(_: str) -> None:
    """Return no URL: a :data:`Linked` for where no traces are kept."""


_Sectioned = Callable[[Report, Linked], Section | None]

SECTIONS: dict[str, _Sectioned] = {
    "time": lambda report, _: accounting_section(report) if report.headline.median.n else None,
    "automate": lambda report, _: what_if_section(report),
    "waits": lambda report, _: waits_section(report),
    "manual": lambda report, _: manual_section(report) if report.headline.median.n else None,
    "tests": lambda report, _: model_tests_section(report) if report.headline.median.n or report.tests.rows else None,
    "activation": lambda report, _: activation_section(report) if report.headline.median.n else None,
    "training": lambda report, _: training_section(report),
    "open": flow_section,
    "trend": lambda report, _: trend_section(report, parse_zone(report.window.zone)),
}
"""The sections after the headline, by the word that chooses them, in their order."""


def _grouped(sort: str) -> _Sectioned:
    return lambda report, _: grouping_section(report, sort, at_least=1)


GROUPINGS: dict[str, _Sectioned] = {
    **{sort: _grouped(sort) for sort in SORTS},
    "month": lambda report, _: months_section(report),
}
"""The sections of figures side by side, by what cycles are grouped by."""


def report_document(report: Report, linked: Linked = no_link, names: Iterable[str] = SECTIONS) -> Document:
    """Return the report on all cycles as a document: the headline, and these sections and groupings.

    Args:
        report: The report.
        linked: Gives the open cycles that are listed links to their traces.
        names: Keys of :data:`SECTIONS` and :data:`GROUPINGS`; by default all sections.
    """
    chosen = ((SECTIONS | GROUPINGS)[name](report, linked) for name in names)
    return (_headline(report), *(section for section in chosen if section is not None))


def _headline(report: Report) -> Section:
    median, attained = report.headline.median, report.attainment
    trigger: tuple[Value, ...] = () if report.trigger == c.IDEA else (", trigger ", Name(report.trigger))
    if report.trigger == ANY_TRIGGER:
        trigger = (", all triggers",)
    share_interval = "" if attained.value is None else Interval(Percent(attained.low), Percent(attained.high))
    figures = table(
        [Column(), Column(), Column("95 %"), Column("n", Tone.QUIET)],
        [
            [
                strong("Median cycle time"),
                strong(Duration(median.value_ns)),
                interval(median),
                (Count(median.n), " finished"),
            ],
            [
                strong(*_target(report)),
                strong(Percent(attained.value)),
                share_interval,
                (Count(attained.n), f" {ENTRY_MARK[report.target.part]}"),
            ],
        ],
    )
    selected = join((f"{word} ", Name(name) if name else "(none)") for word, name in report.selection.items())
    about = (*(selected or ("all teams",)), "; ", *_window(report))
    return Section(("From idea into use", *trigger), about, (figures, Paragraph(_tally(report)), *_notes(report)))


def _target(report: Report) -> tuple[str, Duration]:
    return f"{report.target.part.capitalize()} within ", Duration(report.target.within_ns)


def _window(report: Report) -> tuple[Value, ...]:
    window, zone = report.window, parse_zone(report.window.zone)
    now = Instant(report.as_of, zone)
    if window.text == ALL or window.begin is None:
        return "all times up to ", now, f" {window.zone}"
    begin = Instant(window.begin, zone)
    if window.end == report.as_of + 1:
        return f"{window.text}: ", begin, " to ", now, f" {window.zone}"
    return begin, " to ", Instant(window.end, zone), f" {window.zone}, as of ", now


def _tally(report: Report) -> Content:
    counts = report.counts
    tally = {"finished": counts.finished, "open": counts.open}
    tally |= {outcome.replace("_", " "): n for outcome, n in counts.closed.items() if n}
    if counts.stale:
        tally["stale (open, but silent for 30 days)"] = counts.stale
    return join((Count(n), f" {state}") for state, n in tally.items())


def _notes(report: Report) -> list[Block]:
    """Return what a reader must know to understand the headline."""
    counts, median, attained = report.counts, report.headline.median, report.attainment
    notes: list[Content] = []
    if not counts.finished:
        hint = "" if report.window.begin is None else " --window all covers all times."
        notes.append(f"No cycle finished in this window, so there is no median.{hint}")
    elif median.n and median.low_ns is None:
        there_are = "there is" if median.n == 1 else "there are"
        needed = "The median has no interval: at 95 % that takes ", Count(median.n_needed, "finished cycle")
        notes.append((*needed, f", and {there_are} ", Count(median.n), "."))
    if attained.naive is not None and attained.value is not None and abs(attained.naive - attained.value) >= 0.005:
        others = f" counts failed and open cycles too; among {_REACHED[report.target.part]} cycles alone: "
        notes.append((*_target(report), others, Percent(attained.naive), "."))
    if attained.n and attained.reason is not None:
        notes.append((*_target(report), f": not known, since {attained.reason}."))
    if attained.left_out:
        cycles = Count(attained.left_out, "cycle")
        notes.append((cycles, " left out of the target: marks in the wrong order, or first use unknown."))
    for n, finished in (
        (counts.finished_use_unknown, "without a known first use (deployed and settled)"),
        (counts.finished_rolled_back, "but rolled back since"),
        (counts.finished_time_unknown, "without a known start, so without a cycle time"),
    ):
        if n:
            notes.append((Count(n), f" finished {finished}."))
    elsewhere = [row for row in counts.by_trigger if report.trigger not in {ANY_TRIGGER, row.trigger} and row.finished]
    if elsewhere:
        notes.append(("Other triggers, not in these figures: ", *join(map(_of_trigger, elsewhere), "; "), "."))
    if counts.implicit_left_out:
        notes.append((Count(counts.implicit_left_out, "implicit cycle"), " left out: nothing was selected."))
    notes += _remarks(report)
    if counts.unreadable:
        notes.append((Count(counts.unreadable, "cycle"), " left out: an instant is not a date."))
    if report.remarks.later_records:
        notes.append(later_records(report.remarks.later_records))
    return [Note(content) for content in notes]


def _remarks(report: Report) -> list[Content]:
    """Return what is odd about the cycles behind the figures."""
    remarks, found = report.remarks, list[Content]()
    derived = report.counts.finished - remarks.declared_starts
    if derived:
        begin = " started with the first stage or wait, since no start was declared: the time before is not counted."
        found.append((Count(derived, "finished cycle"), begin))
    if remarks.forgotten_waits:
        cycles = Count(remarks.forgotten_waits, "finished cycle")
        found.append((cycles, " spent more than half of the time waiting, with a wait that was never closed."))
    if remarks.flagged["after_bound"]:
        cycles = Count(remarks.flagged["after_bound"], "cycle")
        late = " with a stage that succeeded too late to make its mark: clocks differ, or the order is wrong."
        found.append((cycles, late))
    if remarks.flagged["unmatched_ends"]:
        cycles = Count(remarks.flagged["unmatched_ends"], "cycle")
        found.append((cycles, " with an end of a stage or wait that has no begin."))
    if remarks.marks_alone:
        keys = join((Name(key),) for key in remarks.marks_alone_keys)
        cycles = Count(remarks.marks_alone, "cycle")
        found.append((cycles, " of which nothing but marks is known, perhaps a typo: ", *keys, "."))
    return found


def later_records(n: int) -> Content:
    """Return the note on records that are dated later than the report."""
    return Count(n, "record"), " dated later than now: a clock or a date is wrong. Each counts once its time has come."


def _of_trigger(row: TriggerCount) -> tuple[Value, ...]:
    return Name(row.trigger, 20), " ", Count(row.finished), " finished, median ", Duration(row.median.value_ns)
