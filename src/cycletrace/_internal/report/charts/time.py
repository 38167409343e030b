"""Where the time goes: the mean cycle time as one bar, cut by part and by activity, and a bar for each stage."""

from __future__ import annotations

from cycletrace._internal.report.assemble import Report
from cycletrace._internal.report.charts.chart import Chart, Figure, Label, Mark, Rect, Scale, style_of
from cycletrace._internal.report.document import Column, Content, Count, Duration, Percent, table
from cycletrace._internal.report.format import duration, percent, to_text
from cycletrace._internal.report.sections_time import stage_name

_ROW = 44
_STAGES = 12


def mean_figure(report: Report) -> Figure | None:
    """Return the mean time of finished cycles as two bars of the same length, by part and by activity."""
    found = report.accounting
    if not found.mean_ns:
        return None
    marks: list[Mark] = []
    rows: list[tuple[Content, ...]] = []
    key = []
    for top, by, slices in ((1.0, "part", found.parts), (0.5, "activity", found.activities)):
        left = 0.0
        marks.append(Label(0, top - 0.12, f"by {by}"))
        for piece in slices:
            if not piece.total_ns:
                continue
            style = f"p-{piece.name}" if by == "part" else style_of(piece.name)
            right = left + piece.total_ns / found.total_ns
            title = f"{piece.name}: {duration(piece.mean_ns)}, {percent(piece.share)}"
            marks.append(Rect(left, right, top - 0.42, top - 0.18, style, title, is_data=True))
            rows.append((by, piece.name, Duration(piece.mean_ns), Percent(piece.share)))
            key.append((style, f"{piece.name} {percent(piece.share)}"))
            left = right
    chart = Chart(
        "Mean cycle time by part and by activity",
        2 * 62,
        tuple(marks),
    )
    caption = (
        Count(found.n, "finished cycle"),
        ": the mean of ",
        Duration(found.mean_ns),
        ". Each instant of a cycle belongs to one activity, so both bars add up to it exactly.",
    )
    columns = [Column("by"), Column("name"), Column("mean"), Column("share")]
    return Figure("mean", chart, caption, tuple(key), table(columns, rows))


def stages_figure(report: Report) -> Figure | None:
    """Return the mean time that each stage owned, working and waiting."""
    found = report.accounting
    shown = [row for row in found.stages if row.total_ns][:_STAGES]
    if not shown:
        return None
    longest = shown[0].total_ns / found.n
    scale = Scale(0, max(1, round(longest)), is_log=False)
    marks: list[Mark] = []
    rows: list[tuple[Content, ...]] = []
    for place, row in enumerate(shown):
        top = 1 - place / len(shown)
        unit = 1 / len(shown)
        name = stage_name(row)
        marks.append(Label(0, top - 0.38 * unit, f"{to_text(name)}  {duration(row.mean_ns)}, {percent(row.share)}"))
        work, whole = row.work_ns / found.n, row.total_ns / found.n
        pieces = [(0.0, work, "working", "stage-work"), (work, whole, "waiting", "stage-wait")]
        if row.stage is None:
            pieces = [(0.0, whole, "", style_of(row.activity) if row.activity else "stage-work")]
        for begin, end, what, style in pieces:
            if end <= begin:
                continue
            length = round(end - begin)
            left, right = scale.place(round(begin)), min(1.0, scale.place(round(end)))
            title = f"{to_text(name)} {what}: {duration(length)}"
            marks.append(Rect(left, right, top - 0.85 * unit, top - 0.5 * unit, style, title, is_data=True))
            rows.append((name, what, Duration(length)))
    left_out = len(found.stages) - len(shown)
    chart = Chart(
        "Mean time of each stage",
        _ROW * len(shown),
        tuple(marks),
    )
    caption = (
        Count(found.n, "finished cycle"),
        ": mean over all of them of the time that each stage owned. In parentheses: waits of the cycle as a whole.",
        *((" ", Count(left_out, "smaller row"), " not drawn.") if left_out > 0 else ()),
    )
    key = (("stage-work", "working"), ("stage-wait", "waiting within the stage"))
    return Figure("stages", chart, caption, key, table([Column("stage"), Column(), Column("mean")], rows))
