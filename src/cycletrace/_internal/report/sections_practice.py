"""The sections of the report on how work is done: waits, manual steps, tests, activation, training, what is open."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator

from cycletrace import conventions as c
from cycletrace._internal.flow import Status
from cycletrace._internal.flow.status import FAILURES
from cycletrace._internal.report.assemble import Report
from cycletrace._internal.report.document import (
    Block,
    Column,
    Content,
    Count,
    Duration,
    Interval,
    Link,
    Name,
    Note,
    Paragraph,
    Percent,
    Rate,
    Section,
    Spark,
    Table,
    Tone,
    Toned,
    Value,
    join,
    quiet,
    table,
)
from cycletrace._internal.report.flow_of_work import FlowOfWork, OpenCycle
from cycletrace._internal.report.manual import StepRow
from cycletrace._internal.report.model_tests import ModelTestRow
from cycletrace._internal.report.proportions import Share
from cycletrace._internal.report.quantiles import Quantile
from cycletrace._internal.report.sections_time import interval
from cycletrace._internal.report.waits import Waits

_HANDFUL = 6
_ROWS = 10
_OPEN = 5
_WEEKS = 52
_QUANTILE_COLUMNS = (Column("n"), Column("p50"), Column("95 %", Tone.QUIET), Column("p85"))


def waits_section(report: Report) -> Section | None:
    """Return what cycles wait for."""
    found = report.waits
    if not found.reasons:
        return None
    titles = ("for", "waits", "total", "longest", "held cycles up", "share")
    rows: list[list[Content]] = [
        [
            row.reason,
            Count(row.count),
            Duration(row.total_ns),
            Duration(row.longest_ns),
            Duration(row.owned_ns),
            Percent(row.share),
        ]
        for row in found.reasons
    ]
    blocks: list[Block] = [table([Column(title) for title in titles], rows)]
    if len(found.teams) > 1:
        blocks += [Paragraph("How long waits held up a cycle, on average:"), _waits_by_team(found)]
    return Section("Waits", Count(found.n, "finished cycle"), tuple(blocks))


def _waits_by_team(found: Waits) -> Table:
    reasons = [row.reason for row in found.reasons]
    columns = [Column("team"), Column("cycles"), Column("in all"), *map(Column, reasons)]
    rows: list[list[Content]] = [
        [
            Name(row.team, 40) if row.team else "no team",
            Count(row.n),
            Duration(row.mean_ns),
            *(Duration(row.by_reason_ns[reason]) for reason in reasons),
        ]
        for row in found.teams
    ]
    return table(columns, rows + more_rows(found.teams_left_out, len(columns)), is_sortable=True)


def manual_section(report: Report) -> Section:
    """Return what people do by hand."""
    found = report.manual
    blocks: list[Block] = []
    if found.hands_free.n:
        rate = Percent(found.hands_free.value)
        blocks.append(Paragraph(("Hands-free after selection: ", rate, _beside(found.hands_free))))
    if not found.steps:
        blocks.append(Paragraph("No manual step."))
    else:
        per_cycle = Rate(found.steps_per_cycle or 0), " manual steps per cycle; they are "
        of_time = Percent(found.share), " of the time, and waiting for them took "
        blocks.append(Paragraph((*per_cycle, *of_time, Duration(found.taken_up_total_ns), " in total.")))
        titles = ("step", "runs", "people", "waited, p50", "longest", "launched from")
        rows: list[list[Content]] = [
            [
                Name(row.stage, 24),
                Count(row.runs),
                _people(row),
                Duration(row.taken_up.value_ns),
                Duration(row.taken_up_longest_ns),
                join((launch, " ", Count(n)) for launch, n in row.launches.items() if launch in c.MANUAL_LAUNCHES)
                or "",
            ]
            for row in found.by_step[:_ROWS]
        ]
        blocks.append(table([Column(title) for title in titles], rows, is_sortable=True))
        if any(row.by_automation for row in found.by_step):
            blocks.append(
                Note(
                    "A deployment stage launched from a terminal or a notebook is a manual step, "
                    "even if it is declared as automation."
                )
            )
    return Section("By hand", Count(found.n, "finished cycle"), tuple(blocks))


def _people(row: StepRow) -> Content:
    if row.top_person is None:
        return "not named"
    if row.people == 1:
        return "only ", Name(row.top_person, 20)
    return Count(row.people), ", mostly ", Name(row.top_person, 20), " ", Percent(row.top_share)


def _beside(share: Share) -> Toned:
    """Return the counts of a share, and its interval if they are more than a handful."""
    counts = "  ", Count(share.count), " of ", Count(share.n)
    if share.n < _HANDFUL:
        return quiet(*counts)
    return quiet(*counts, "; 95 %: ", Interval(Percent(share.low), Percent(share.high)))


def model_tests_section(report: Report) -> Section:
    """Return how models are tested."""
    found = report.tests
    blocks: list[Block] = [
        Paragraph(("Without an automatic test: ", Percent(found.no_automatic.value), _beside(found.no_automatic)))
    ]
    if found.rows:
        titles = ("run by", "launched", "runs", "passed", "p50", "p85")
        rows: list[list[Content]] = [
            [
                "a test suite" if row.actor == c.AUTOMATION else "people",
                row.launch,
                Count(row.runs),
                Count(row.passed),
                Duration(row.p50.value_ns),
                Duration(row.p85.value_ns),
            ]
            for row in found.rows
        ]
        blocks.append(table([Column(title) for title in titles], rows))
        others = join(_not_passed(found.rows))
        blocks += [Note(("Did not pass: ", *others, "."))] if others else []
    return Section("Tests", Count(found.n, "finished cycle"), tuple(blocks))


def _not_passed(rows: Iterable[ModelTestRow]) -> Iterator[tuple[Value, ...]]:
    """Yield how many runs ended without passing, by outcome, or still run."""
    outcomes: Counter[str] = Counter()
    for row in rows:
        outcomes.update(row.outcomes)
        outcomes["running"] += row.runs - sum(row.outcomes.values())
    for outcome, n in outcomes.items():
        if n and outcome not in c.SUCCESSES:
            yield Count(n), f" {outcome}"


def activation_section(report: Report) -> Section | None:
    """Return how fast deployed models are taken into use."""
    found = report.activation
    if not found.n:
        return None
    about: tuple[Value, ...] = "from deployed to in use, ", Count(found.n, "finished cycle")
    if found.unknown:
        about += "; unknown for ", Count(found.unknown), " more"
    rows = [
        _quantile_row("unknown" if row.mechanism is None else Name(row.mechanism, 20), row.p50, row.p85)
        for row in found.by_mechanism
    ]
    return Section("Activation", about, (table([Column("by"), *_QUANTILE_COLUMNS], rows),))


def training_section(report: Report) -> Section | None:
    """Return how long it takes from idea to trained model, within each domain."""
    found = report.training
    if not found.n:
        return None
    rows: list[list[Content]] = []
    for domain in found.domains[:_ROWS]:
        name = "no domain" if domain.domain is None else Name(domain.domain, 30)
        rows.append(_quantile_row(name, domain.p50, domain.p85))
        for model in domain.models[:_ROWS]:
            name = Name("no model" if model.model is None else model.model, 30, depth=1)
            rows.append(_quantile_row(quiet(name), model.p50, model.p85))
    rows += more_rows(len(found.domains) - _ROWS, 5)
    about = Count(found.n, "trained cycle"), "; compare only within a domain"
    return Section("From idea to trained model", about, (table([Column("domain"), *_QUANTILE_COLUMNS], rows),))


def _quantile_row(name: Content, p50: Quantile, p85: Quantile) -> list[Content]:
    return [name, Count(p50.n), Duration(p50.value_ns), interval(p50), Duration(p85.value_ns)]


def flow_section(report: Report, linked: Callable[[str], str | None]) -> Section | None:
    """Return how many cycles finish each week, and which are open."""
    found = report.work
    weeks = found.weeks[-_WEEKS:]
    has_weeks = len(weeks) > 2
    if not has_weeks and not found.open:
        return None
    blocks: list[Block] = []
    if has_weeks:
        spark = Spark(tuple(week.finished for week in weeks))
        span = f"   weeks from {weeks[0].begins} to {weeks[-1].begins}"
        blocks.append(Paragraph((spark, "  ", Rate(found.per_week or 0), " per week", quiet(span))))
    if found.little is not None and found.little.deviation is not None and report.counts.finished >= _HANDFUL:
        law = "   throughput x cycle time = ", Rate(found.little.expected), ": "
        deviation = Percent(found.little.deviation, is_signed=True), " (Little's law)"
        in_progress = Rate(found.little.in_progress), " cycles in progress on average"
        blocks.append(Paragraph((*in_progress, quiet(*law, *deviation))))
    if found.open:
        blocks += _open_cycles(found, linked)
    return Section("Flow", "finished each week; open now" if has_weeks else "open now", tuple(blocks))


def _open_cycles(work: FlowOfWork, linked: Callable[[str], str | None]) -> list[Block]:
    listed = work.open[:_OPEN]
    rows: list[list[Content]] = [
        [
            key_of(cycle),
            Duration(cycle.age_ns),
            "stale" if cycle.is_stale else cycle.compared or "",
            standing_text(cycle.standing),
        ]
        for cycle in listed
    ]
    rows += more_rows(len(work.open) - len(listed) + work.open_not_listed, 4)
    links = [Link(key_of(cycle), url) for cycle in listed if (url := linked(cycle.cycle_id)) is not None]
    return [table([Column("open"), Column("for"), Column(), Column("stands at")], rows), *links]


def key_of(cycle: OpenCycle) -> Name:
    """Return the key of an open cycle, else its id."""
    return Name(cycle.cycle_id if cycle.key is None else cycle.key, 36)


def standing_text(standing: Status) -> tuple[Value, ...]:
    """Return where an open cycle stands, in words."""
    if standing.what is None:
        return ("nothing recorded yet",)
    if standing.state == "waiting":
        return (f"waiting for {standing.what}",)
    if standing.outcome is not None:
        return Name(standing.what, 30), f" {FAILURES[standing.outcome]}"
    return f"{standing.state} ", Name(standing.what, 30)


def more_rows(n: int, width: int) -> list[list[Content]]:
    """Return a row for n rows that are not shown, no row if n is not positive."""
    return [[quiet("and ", Count(n), " more"), *[""] * (width - 1)]] if n > 0 else []
