"""The sections of the report on time: where it goes, what would save some, and whether cycles get faster."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import tzinfo

from cycletrace import conventions as c
from cycletrace._internal.report.accounting import Row, StageRow
from cycletrace._internal.report.assemble import Report
from cycletrace._internal.report.document import (
    Block,
    Column,
    Content,
    Count,
    Duration,
    Instant,
    Interval,
    Name,
    Note,
    Paragraph,
    Percent,
    Section,
    Tone,
    Toned,
    Value,
    bar,
    join,
    quiet,
    table,
)
from cycletrace._internal.report.quantiles import Quantile
from cycletrace._internal.report.trend import Explained, Trend
from cycletrace._internal.report.what_if import ALL_STEPS, STEP, WAIT, Change

_STAGES = 10
_CHANGES = 5
_EXPLAINED = 3


def interval(of: Quantile) -> Content:
    """Return the interval of a quantile, nothing if it has none."""
    return "" if of.low_ns is None else Interval(Duration(of.low_ns), Duration(of.high_ns))


def activity_tone(activity: str | None) -> Tone:
    """Return the tone of an activity: work, manual work, waiting or unexplained."""
    if activity is not None and activity.startswith("wait."):
        return Tone.WAIT
    tones = {f"work.{c.HUMAN}": Tone.MANUAL_WORK, c.UNEXPLAINED: Tone.UNEXPLAINED}
    return tones.get(activity or "", Tone.WORK)


def accounting_section(report: Report) -> Section:
    """Return where the time goes: by part, by activity, by stage."""
    found = report.accounting
    mean = Duration(found.mean_ns), " of ", Count(found.n, "finished cycle")
    # Quantiles of a handful of cycles add nothing to the mean.
    has_quantiles = found.n >= report.headline.median.n_needed
    activities = [row for row in found.activities if row.total_ns]
    blocks: list[Block] = [
        table(_accounting_columns(by), rows)
        for by, rows in (
            ("by part", [_row(row.name, row, Tone.WORK, has_quantiles) for row in found.parts]),
            ("by activity", [_row(row.name, row, activity_tone(row.name), has_quantiles) for row in activities]),
            ("by stage", _stage_rows(found.stages, has_quantiles)),
        )
    ]
    unexplained = next((row for row in activities if row.name == c.UNEXPLAINED), None)
    if unexplained is not None and (unexplained.share or 0) >= 0.1:
        blocks.append(Note("Unexplained: no stage ran and no wait was recorded. Wrap that work in a stage or a wait."))
    return Section("Where the time goes", ("mean ", *mean, "; each list adds up"), tuple(blocks))


def _accounting_columns(by: str) -> list[Column]:
    return [Column(by), Column("mean"), Column("share"), Column(), Column("p50", Tone.QUIET), Column("p85", Tone.QUIET)]


def _row(name: Content, row: Row | StageRow, tone: Tone, has_quantiles: bool) -> list[Content]:
    cells: list[Content] = [name, Duration(row.mean_ns), Percent(row.share), bar(row.share, tone)]
    if has_quantiles:
        return [*cells, Duration(row.p50.value_ns), Duration(row.p85.value_ns)]
    return [*cells, "", ""]


def _stage_rows(rows: Sequence[StageRow], has_quantiles: bool) -> list[list[Content]]:
    shown, rest = rows[:_STAGES], rows[_STAGES:]
    cells = [_row(stage_name(row), row, activity_tone(row.activity), has_quantiles) for row in shown]
    if rest:
        share = sum(row.share or 0 for row in rest)
        others = Count(sum(max(1, row.merged) for row in rest))
        mean = Duration(sum(row.mean_ns for row in rest))
        cells.append([(others, " others"), mean, Percent(share), bar(share), "", ""])
    return cells


def stage_name(row: StageRow | Explained) -> str | Name:
    """Return the name of the stage, or what a row without a stage is about."""
    if row.stage is not None:
        return Name(row.stage, 40)
    if row.activity is None:
        return "others"
    return row.activity if row.activity == c.UNEXPLAINED else f"({row.activity.replace('.', ' for ')})"


def what_if_section(report: Report) -> Section | None:
    """Return what to automate next."""
    found = report.what_if
    if not found.changes:
        return None
    cycles = Count(found.n_finished, "finished cycle")
    sample = (Count(found.n), " of ", cycles) if found.n < found.n_finished else (cycles,)
    about = "what would save the most: ", *sample, " replayed"
    columns = [Column(), Column("saves"), Column("share"), Column(), Column("new p50", Tone.QUIET)]
    columns.append(Column("mostly in", is_optional=True))
    has_teams = len(report.waits.teams) > 1
    rows: list[list[Content]] = [
        [
            change_text(change),
            Duration(change.saved_ns),
            Percent(change.saved_share),
            bar(change.saved_share),
            Duration(change.p50_after.value_ns),
            (Name(change.team, 24) if change.team else "no team", " ", Percent(change.team_share)) if has_teams else "",
        ]
        for change in found.changes[:_CHANGES]
    ]
    return Section("Automate next", about, (table(columns, rows), Note(found.assumptions)))


def change_text(change: Change) -> Content:
    stage = Name(change.stage or "", 24)
    if change.kind == ALL_STEPS:
        return "no time in manual steps"
    if change.kind == STEP:
        return "no time in ", stage
    if change.kind == WAIT:
        wait = f"no wait for {change.reason}"
        return wait if change.stage is None else (f"{wait} in ", stage)
    return "without ", stage


def trend_section(report: Report, zone: tzinfo) -> Section:
    """Return whether cycles get faster, and because of what."""
    found, change = report.trend, report.change_point
    about = "this window (", Count(found.n), " finished) against the one before (", Count(found.n_before), ")"
    sentences: list[Content] = [_sentence(found.verdict)]
    if found.difference_ns is not None:
        sentences.append(("Difference of the medians: ", Duration(found.difference_ns, is_signed=True), _beside(found)))
    if found.mean_difference_ns is not None and found.low_ns is not None:
        explained = quiet("  of which ", *_explained(found.stages))
        sentences.append(("Difference of the means: ", Duration(found.mean_difference_ns, is_signed=True), explained))
    rate = "false alarms at most ", Percent(change.false_alarms)
    if change.at is not None and change.before is not None and change.after is not None:
        medians = "  median ", Duration(change.before.value_ns), " → ", Duration(change.after.value_ns), "; "
        most = (*_explained(change.stages), "; ") if change.stages else ()
        at = Instant(change.at, zone)
        sentences.append((f"Over the last year: {change.verdict} ", at, quiet(*medians, *most, *rate)))
    elif change.n >= change.n_needed:
        sentences.append((_sentence(change.verdict), quiet("  ", Count(change.n), " finished; ", *rate)))
    return Section("Faster?", about, tuple(map(Paragraph, sentences)))


def _beside(trend: Trend) -> str | Toned:
    """Return the interval of the difference of the medians, nothing if it has none."""
    if trend.low_ns is None:
        return ""
    return quiet("  95 %: ", Interval(Duration(trend.low_ns, is_signed=True), Duration(trend.high_ns, is_signed=True)))


def _explained(rows: Sequence[Explained]) -> tuple[Value, ...]:
    shown = [(stage_name(row), " ", Duration(row.difference_ns, is_signed=True)) for row in rows[:_EXPLAINED]]
    if len(rows) > _EXPLAINED:
        rest = sum(row.difference_ns for row in rows[_EXPLAINED:])
        shown.append(("others", " ", Duration(rest, is_signed=True)))
    return join(shown)


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."
