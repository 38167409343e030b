"""The report's headline as gauges, by the report's own code, so that the two never disagree."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import timezone

from cycletrace._internal.collector.instruments import HEADLINE_ATTAINMENT, HEADLINE_MEDIAN, HEADLINE_N, Labels
from cycletrace._internal.collector.point import Metric, gauge, in_unit
from cycletrace._internal.flow import CycleTarget, Facts
from cycletrace._internal.report.attainment import attainment
from cycletrace._internal.report.columns import ColumnsBuilder
from cycletrace._internal.report.populations import populations
from cycletrace._internal.report.quantiles import P50, quantile
from cycletrace._internal.report.windows import parse_window
from cycletrace.conventions import HEADLINE_WINDOW, IDEA

WINDOWS = ("7d", "30d", "90d")


def headline(facts: Iterable[Facts], as_of: int, target: CycleTarget) -> Iterator[Metric]:
    """Median, attainment and n of the report on the last 7, 30 and 90 days. What is of nothing is not told."""
    builder = ColumnsBuilder()
    for cycle in facts:
        builder.add(cycle, has_details=False)
    columns = builder.columns()
    medians: list[tuple[Labels, float]] = []
    attainments: list[tuple[Labels, float]] = []
    numbers: list[tuple[Labels, float]] = []
    for text in WINDOWS:
        labels = ((HEADLINE_WINDOW, text),)
        window = parse_window(text, as_of, timezone.utc)
        chosen = populations(columns, window, as_of, IDEA)
        median = quantile(columns.cycles.time[chosen.measured], P50)
        numbers.append((labels, median.n))
        if median.value_ns is not None:
            medians.append((labels, in_unit(HEADLINE_MEDIAN, median.value_ns)))
        attained = attainment(columns, chosen.all_of_trigger, window, as_of, target)
        if attained.value is not None:
            attainments.append((labels, float(attained.value)))
    yield gauge(HEADLINE_MEDIAN, medians)
    yield gauge(HEADLINE_ATTAINMENT, attainments)
    yield gauge(HEADLINE_N, numbers)
