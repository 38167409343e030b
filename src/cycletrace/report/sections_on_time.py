"""The sections of the report on time: where it goes, what would save some, and whether it gets less."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import tzinfo

from cycletrace.conventions import UNEXPLAINED
from cycletrace.report import words
from cycletrace.report.accounting import Row, StageRow
from cycletrace.report.assemble import Report
from cycletrace.report.layout import QUIET, Column, Page, Part, activity_style
from cycletrace.report.quantiles import Quantile
from cycletrace.report.trend import Explained
from cycletrace.report.what_if import ALL_STEPS, STEP, WAIT, Change

_STAGES = 10
_CHANGES = 5
_EXPLAINED = 3


def time_goes(page: Page, report: Report) -> None:
    """Where the time goes: parts, activities, stages."""
    found = report.accounting
    mean = words.duration(found.mean_ns)
    finished = words.count(found.n, "finished cycle")
    if found.n == 1:
        page.heading("Where the time went", f"{mean} of {finished}")
    else:
        page.heading("Where the time goes", f"mean {mean} of {finished}; each list adds up")
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
    return [*cells, *_quantiles(row.p50, row.p85)] if is_many else cells


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
        quantiles = _quantiles(row.p50, row.p85) if is_many else []
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
    page.heading(
        "Automate next", f"what would save most: {some}{words.count(found.n_finished, 'finished cycle')} replayed"
    )
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


def _quantiles(p50: Quantile, p85: Quantile) -> list[Part]:
    return [words.duration(p50.value_ns), words.duration(p85.value_ns)]
