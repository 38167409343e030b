"""Teams, models and domains side by side, and months one after the other, as sections of a document."""

from __future__ import annotations

from cycletrace._internal.report.assemble import Report
from cycletrace._internal.report.document import Column, Content, Count, Duration, Name, Percent, Section, Tone, table
from cycletrace._internal.report.groups import GroupRow
from cycletrace._internal.report.quantiles import Quantile
from cycletrace._internal.report.sections_practice import more_rows
from cycletrace._internal.report.sections_time import interval

SORTS = ("team", "model", "domain")
"""What cycles are grouped by."""

_FIGURES = (Column("p50"), Column("95 %", Tone.QUIET), Column("p85"))


def grouping_section(report: Report, sort: str, *, at_least: int = 2) -> Section | None:
    """Return the figures of each group of a sort, ``None`` if there are fewer groups than that."""
    found = report.groups
    of = {"team": found.namespaces, "model": found.models, "domain": found.domains}[sort]
    if len(of.rows) < at_least:
        return None
    columns = [
        Column(sort),
        Column("finished"),
        Column("open", is_optional=True),
        Column("closed", is_optional=True),
        *_FIGURES,
        Column("on target"),
        Column("hands-free", is_optional=True),
    ]
    rows = [_group(row, f"no {sort}") for row in of.rows] + more_rows(of.left_out, len(columns))
    return Section(f"By {sort}", found.population, (table(columns, rows, is_sortable=True),))


def months_section(report: Report) -> Section | None:
    """Return the figures of the cycles that finished in each month, ``None`` if none did."""
    columns = [Column("month from"), Column("finished"), *_FIGURES]
    rows = [
        [month.begins, Count(month.median.n), *_quantiles(month.median, month.p85)] for month in report.history.months
    ]
    return Section("By month", "cycles finished in the window", (table(columns, rows),)) if rows else None


def _group(row: GroupRow, unnamed: str) -> list[Content]:
    return [
        Name(row.name, 40) if row.name else unnamed,
        Count(row.finished),
        Count(row.open),
        Count(row.closed),
        *_quantiles(row.median, row.p85),
        Percent(row.attainment.value),
        Percent(row.hands_free.value),
    ]


def _quantiles(median: Quantile, p85: Quantile) -> list[Content]:
    """Return the median with its interval, and a p85 only if it has one: of fewer cycles it is merely the slowest."""
    return [
        Duration(median.value_ns),
        interval(median),
        Duration(p85.value_ns if p85.low_ns is not None else None),
    ]
