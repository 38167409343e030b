"""The sections of the report on how work is done: waits, people, tests, activation, training, what is open."""

from __future__ import annotations

from cycletrace.conventions import AUTOMATION, MANUAL_LAUNCHES
from cycletrace.report import words
from cycletrace.report.assemble import Report
from cycletrace.report.layout import QUIET, Column, Page, Part, interval, share_interval
from cycletrace.report.manual import StepRow
from cycletrace.report.proportions import Share
from cycletrace.report.quantiles import Quantile

_HANDFUL = 6
_STAGES = 10
OPEN_LISTED = 5
_DOMAINS = 10


def waiting(page: Page, report: Report) -> None:
    """What cycles wait for."""
    found = report.waits
    if not found.reasons:
        return
    page.heading("Waits", words.count(found.n, "finished cycle"))
    page.blank()
    columns = [
        Column("for", is_name=True, width=14),
        Column("waits", width=6),
        Column("total", width=12),
        Column("longest", width=12),
        Column("held cycles up", width=14),
        Column("share"),
    ]
    page.table(
        columns,
        [
            [
                row.reason,
                f"{row.count:,}",
                words.duration(row.total_ns),
                words.duration(row.longest_ns),
                words.duration(row.owned_ns),
                words.percent(row.share),
            ]
            for row in found.reasons
        ],
    )


def manual_steps(page: Page, report: Report) -> None:
    """What people do by hand."""
    found = report.manual
    free = found.hands_free
    page.heading("By hand", words.count(found.n, "finished cycle"))
    page.blank()
    if free.n:
        page.line(
            f"Hands-free after selection: {words.percent(free.value)}",
            (_beside(free), QUIET),
        )
    if not found.steps:
        page.line("No manual step.")
        return
    page.line(
        f"{found.steps_per_cycle or 0:.1f} manual steps a cycle; their work is {words.percent(found.share)} of the "
        f"time, waiting for them {words.duration(found.taken_up_total_ns)} in all."
    )
    page.blank()
    columns = [
        Column("step", is_name=True, width=14),
        Column("runs", width=5),
        Column("people", is_name=True, width=18),
        Column("waited, p50", width=11),
        Column("longest", width=11),
        Column("by hand from", is_name=True),
    ]
    rows: list[list[Part]] = [
        [
            words.name(row.stage, 24),
            f"{row.runs:,}",
            _people(row),
            words.duration(row.taken_up.value_ns),
            words.duration(row.taken_up_longest_ns),
            ", ".join(f"{launch} {n:,}" for launch, n in row.launches.items() if launch in MANUAL_LAUNCHES),
        ]
        for row in found.by_step[:_STAGES]
    ]
    page.table(columns, rows)
    if any(row.by_automation for row in found.by_step):
        page.blank()
        page.note("A deployment stage launched from a terminal or a notebook is a manual step, whoever it says it is.")


def _people(row: StepRow) -> str:
    if row.top_person is None:
        return "not named"
    return f"{row.people:,}: {words.name(row.top_person, 20)} {words.percent(row.top_share)}"


def _beside(share: Share) -> str:
    """The counts of a share, and its interval where they are more than a handful."""
    interval_too = f"; 95 %: {share_interval(share.low, share.high)}" if share.n >= _HANDFUL else ""
    return f"  {share.count:,} of {share.n:,}{interval_too}"


def test_runs(page: Page, report: Report) -> None:
    """How models are tested."""
    found = report.tests
    none = found.no_automatic
    page.heading("Tests", words.count(found.n, "finished cycle"))
    page.blank()
    page.line(
        f"Without an automatic test: {words.percent(none.value)}",
        (_beside(none), QUIET),
    )
    if not found.rows:
        return
    page.blank()
    columns = [
        Column("run by", is_name=True, width=22),
        Column("launched", is_name=True, width=12),
        Column("runs", width=6),
        Column("passed", width=6),
        Column("p50", width=11),
        Column("p85"),
    ]
    page.table(
        columns,
        [
            [
                "a test suite" if row.actor == AUTOMATION else "people",
                row.launch,
                f"{row.runs:,}",
                f"{row.passed:,}",
                words.duration(row.p50.value_ns),
                words.duration(row.p85.value_ns),
            ]
            for row in found.rows
        ],
    )


def activations(page: Page, report: Report) -> None:
    """How fast a deployed model is taken into use."""
    found = report.activation
    if not found.n:
        return
    unknown = f"; unknown of {found.unknown:,} more" if found.unknown else ""
    page.heading("Activation", f"from deployed to in use, {words.count(found.n, 'finished cycle')}{unknown}")
    page.blank()
    columns = [
        Column("by", is_name=True, width=18),
        Column("n", width=5),
        Column("p50", width=11),
        Column("95 %", is_name=True, is_quiet=True, width=24),
        Column("p85"),
    ]
    page.table(
        columns,
        [
            [
                words.name(row.mechanism, 20) if row.mechanism is not None else "not told",
                f"{row.n:,}",
                words.duration(row.p50.value_ns),
                interval(row.p50),
                words.duration(row.p85.value_ns),
            ]
            for row in found.by_mechanism
        ],
    )


def training_times(page: Page, report: Report) -> None:
    """From idea to trained model, within each domain."""
    found = report.training
    if not found.n:
        return
    page.heading("From idea to trained model", f"{words.count(found.n, 'trained cycle')}; compare within a domain only")
    page.blank()
    rows: list[list[Part]] = []
    for domain in found.domains[:_DOMAINS]:
        rows.append(_training(_name_or(domain.domain, "no domain"), domain.p50, domain.p85))
        rows += [
            _training((f"  {_name_or(model.model, 'no model')}", QUIET), model.p50, model.p85)
            for model in domain.models[:_STAGES]
        ]
    columns = [
        Column("domain", is_name=True, width=18),
        Column("n", width=5),
        Column("p50", width=11),
        Column("95 %", is_name=True, is_quiet=True, width=24),
        Column("p85"),
    ]
    page.table(columns, rows)
    if len(found.domains) > _DOMAINS:
        page.note(f"and {words.count(len(found.domains) - _DOMAINS, 'more domain')}")


def _name_or(name: str | None, otherwise: str) -> str:
    return words.name(name, 30) if name is not None else otherwise


def _training(name: Part, p50: Quantile, p85: Quantile) -> list[Part]:
    return [name, f"{p50.n:,}", words.duration(p50.value_ns), interval(p50), words.duration(p85.value_ns)]


def flow_of_work(page: Page, report: Report) -> None:
    """What finishes each week, and what is open."""
    found = report.work
    if len(found.weeks) <= 2 and not found.open:
        return
    weeks = found.weeks[-page.weeks :]
    page.heading("Flow", "finished each week; open now" if len(weeks) > 2 else "open now")
    page.blank()
    if len(weeks) > 2:
        page.line(
            page.spark([week.finished for week in weeks]),
            f"  {found.per_week or 0:.1f} a week",
            (f"   weeks from {weeks[0].begins} to {weeks[-1].begins}", QUIET),
        )
    if found.little is not None and found.little.deviation is not None and report.counts.finished >= 6:
        off = words.percents(found.little.deviation)
        page.line(
            f"{found.little.in_progress:.1f} cycles in progress on the mean",
            (f"   throughput x cycle time = {found.little.expected:.1f}: {off} (Little's law)", QUIET),
        )
    listed = found.open[:OPEN_LISTED]
    if not listed:
        return
    if len(weeks) > 2:
        page.blank()
    rows: list[list[Part]] = [
        [
            words.name(cycle.key if cycle.key is not None else cycle.cycle_id, 36),
            words.duration(cycle.age_ns),
            "stale" if cycle.is_stale else cycle.compared or "",
            standing_words(cycle.standing.state, cycle.standing.what),
        ]
        for cycle in listed
    ]
    columns = [
        Column("open", is_name=True, width=30),
        Column("for", width=12),
        Column("", is_name=True, width=10),
        Column("stands at", is_name=True),
    ]
    page.table(columns, rows)
    more = len(found.open) - len(listed) + found.open_not_listed
    if more:
        page.note(f"and {more:,} more")


def standing_words(state: str, what: str | None) -> str:
    """Where a cycle stands, in words."""
    if what is None:
        return "nothing told"
    return f"waiting for {what}" if state == "waiting" else f"{state} {words.name(what, 30)}"
