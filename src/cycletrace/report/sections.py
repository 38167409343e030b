"""The sections of the report over all cycles, below its headline."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import tzinfo

from cycletrace.conventions import AUTOMATION, MANUAL_LAUNCHES, UNEXPLAINED
from cycletrace.report import words
from cycletrace.report.accounting import Row, StageRow
from cycletrace.report.assemble import Report
from cycletrace.report.layout import QUIET, Column, Page, Part, activity_style, interval, share_interval
from cycletrace.report.manual import StepRow
from cycletrace.report.proportions import Share
from cycletrace.report.quantiles import Quantile
from cycletrace.report.trend import Explained
from cycletrace.report.what_if import ALL_STEPS, STEP, WAIT, Change

_HANDFUL = 6
_STAGES = 10
_CHANGES = 5
OPEN_LISTED = 5
_EXPLAINED = 3
_DOMAINS = 10


def _quantiles(of: Sequence[Quantile]) -> list[str]:
    return [words.duration(one.value_ns) for one in of]


def time_goes(page: Page, report: Report) -> None:
    """Where the time goes: parts, activities, stages."""
    found = report.accounting
    mean = words.duration(found.mean_ns)
    if found.n == 1:
        page.heading("Where the time went", f"{mean} of 1 finished cycle")
    else:
        page.heading("Where the time goes", f"mean {mean} of {_of(found.n)}; each list adds up")
    # Quantiles of a handful say no more than the mean does.
    is_many = found.n >= report.headline.median.n_needed
    for title, rows in (
        ("by part", [_row(page, row, is_many) for row in found.parts]),
        ("by activity", [_row(page, row, is_many) for row in found.activities if row.total_ns]),
        ("by stage", _stage_rows(page, found.stages, is_many)),
    ):
        page.blank()
        columns = [Column(title, is_name=True, width=18), Column("mean", width=11), Column("share", width=6)]
        columns.append(Column("", is_picture=True, width=page.bar_width))
        if is_many:
            columns += [Column("p50", is_quiet=True, width=11), Column("p85", is_quiet=True, width=11)]
        page.table(columns, rows)
    unexplained = next((row for row in found.activities if row.name == UNEXPLAINED), None)
    if unexplained is not None and (unexplained.share or 0) >= 0.1:
        page.blank()
        page.note("Unexplained: no stage ran and no wait was told. A stage or a wait around it shows what it is.")


def _row(page: Page, row: Row, is_many: bool) -> list[Part]:
    style = activity_style(row.name)
    cells: list[Part] = [row.name, words.duration(row.mean_ns), words.percent(row.share), page.bar(row.share, style)]
    return [*cells, *_quantiles([row.p50, row.p85])] if is_many else cells


def _stage_rows(page: Page, rows: Sequence[StageRow], is_many: bool) -> list[list[Part]]:
    found = []
    for row in rows[:_STAGES]:
        style = activity_style(row.activity or "")
        cells: list[Part] = [
            stage_name(row),
            words.duration(row.mean_ns),
            words.percent(row.share),
            page.bar(row.share, style),
        ]
        quantiles: list[Part] = list(_quantiles([row.p50, row.p85])) if is_many else []
        found.append(cells + quantiles)
    rest = rows[_STAGES:]
    if rest:
        share = sum(row.share or 0 for row in rest)
        others = sum(max(1, row.merged) for row in rest)
        mean = words.duration(sum(row.mean_ns for row in rest))
        blank: list[Part] = ["", ""] if is_many else []
        found.append([f"{others:,} others", mean, words.percent(share), page.bar(share), *blank])
    return found


def stage_name(row: StageRow | Explained) -> str:
    """The stage, or what it is where there is none."""
    if row.stage is not None:
        return words.name(row.stage, 40)
    if row.activity is None:
        return "others"
    return row.activity if row.activity == UNEXPLAINED else f"({row.activity.replace('.', ' for ')})"


def changes(page: Page, report: Report) -> None:
    """What to automate next."""
    found = report.what_if
    if not found.changes:
        return
    some = f"{found.n:,} of " if found.n < found.n_finished else ""
    page.heading("Automate next", f"what would save most: {some}{_of(found.n_finished)} replayed")
    page.blank()
    rows: list[list[Part]] = [
        [
            _change(change),
            words.duration(change.saved_ns),
            words.percent(change.saved_share),
            page.bar(change.saved_share),
            words.duration(change.p50_after.value_ns),
        ]
        for change in found.changes[:_CHANGES]
    ]
    columns = [
        Column("", is_name=True, width=26),
        Column("saves", width=11),
        Column("", width=5),
        Column("", is_picture=True, width=page.bar_width),
        Column("p50 then", width=11, is_quiet=True),
    ]
    page.table(columns, rows)
    page.blank()
    page.note(found.assumptions)


def _change(change: Change) -> str:
    if change.kind == ALL_STEPS:
        return "all manual steps at once"
    if change.kind == STEP:
        return f"{words.name(change.stage, 24)} at once"
    if change.kind == WAIT:
        where = f" in {words.name(change.stage, 16)}" if change.stage is not None else ""
        return f"no wait for {change.reason}{where}"
    return f"{words.name(change.stage, 24)} in no time"


def waiting(page: Page, report: Report) -> None:
    """What cycles wait for."""
    found = report.waits
    if not found.reasons:
        return
    page.heading("Waits", _of(found.n))
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
    page.heading("By hand", _of(found.n))
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
    page.heading("Tests", _of(found.n))
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
                *_quantiles([row.p50, row.p85]),
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
    page.heading("Activation", f"from deployed to in use, {_of(found.n)}{unknown}")
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
    page.heading("From idea to trained model", f"{_of(found.n, 'trained')}; compare within a domain only")
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
        page.note(f"and {len(found.domains) - _DOMAINS:,} more domains")


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


def trends(page: Page, report: Report, zone: tzinfo) -> None:
    """Whether cycles get faster, and because of what."""
    found, change = report.trend, report.change_point
    page.heading("Faster?", f"this window ({found.n:,} finished) against the one before ({found.n_before:,})")
    page.blank()
    page.line(_sentence(found.verdict))
    if found.difference_ns is not None:
        beside = (
            f"  95 %: {words.signed(found.low_ns)} to {words.signed(found.high_ns)}" if found.low_ns is not None else ""
        )
        page.line(f"Difference of the medians: {words.signed(found.difference_ns)}", (beside, QUIET))
    if found.mean_difference_ns is not None and found.low_ns is not None:
        page.line(
            f"Difference of the means: {words.signed(found.mean_difference_ns)}",
            (f"  of which {_explained(found.stages)}", QUIET),
        )
    rate = f"false alarms at most {words.percent(change.false_alarms)}"
    if change.at is not None and change.before is not None and change.after is not None:
        medians = f"{words.duration(change.before.value_ns)} → {words.duration(change.after.value_ns)}"
        page.line(
            f"Over the last year: {change.verdict} {words.moment(change.at, zone)}",
            (f"  median {medians}; {rate}", QUIET),
        )
    elif change.n >= change.n_needed:
        page.line(_sentence(change.verdict), (f"  {change.n:,} finished; {rate}", QUIET))


def _explained(rows: Sequence[Explained]) -> str:
    told = ", ".join(f"{stage_name(row)} {words.signed(row.difference_ns)}" for row in rows[:_EXPLAINED])
    rest = sum(row.difference_ns for row in rows[_EXPLAINED:])
    return f"{told}, others {words.signed(rest)}" if len(rows) > _EXPLAINED else told


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."


def _of(n: int, done: str = "finished") -> str:
    return f"{n:,} {done} cycle" if n == 1 else f"{n:,} {done} cycles"
