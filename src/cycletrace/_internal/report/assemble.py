"""The report on all cycles: every figure, as plain data."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import timezone, tzinfo
from typing import Any

from cycletrace import conventions as c
from cycletrace._internal.flow import CycleTarget, Facts, StageFacts, finish, is_counted, parse_target
from cycletrace._internal.flow.targets import DEFAULT_TARGET
from cycletrace._internal.report.accounting import Accounting, accounting
from cycletrace._internal.report.activation import Activation, activation
from cycletrace._internal.report.attainment import Attainment, attainment
from cycletrace._internal.report.change_point import ChangePoint, change_point
from cycletrace._internal.report.columns import ColumnsBuilder
from cycletrace._internal.report.cycle_report import CycleReport
from cycletrace._internal.report.flow_of_work import FlowOfWork, OpenCycle, flow_of_work, open_cycle
from cycletrace._internal.report.groups import Groups, groups
from cycletrace._internal.report.history import History, Points
from cycletrace._internal.report.incidence import Incidence, incidence
from cycletrace._internal.report.manual import Manual, manual
from cycletrace._internal.report.model_tests import ModelTests, model_tests, runs_in_window
from cycletrace._internal.report.populations import Counts, counts_of, is_about, populations
from cycletrace._internal.report.quantiles import P50, P85, P95, Quantile, quantile
from cycletrace._internal.report.remarks import Remarks
from cycletrace._internal.report.training import Training, training
from cycletrace._internal.report.trend import Trend, trend
from cycletrace._internal.report.waits import Waits, waits
from cycletrace._internal.report.what_if import Sample, WhatIf, what_if
from cycletrace._internal.report.windows import DEFAULT_WINDOW, Window, parse_window


@dataclass(frozen=True)
class Headline:
    """The one number: the median cycle time of the cycles that finished in the window, with p85 and p95."""

    population: str
    median: Quantile
    p85: Quantile
    p95: Quantile


@dataclass(frozen=True)
class Report:
    """Every figure. Lengths are nanoseconds, instants UTC nanoseconds, shares lie between 0 and 1.

    All figures except ``counts.by_trigger`` are about the cycles of one trigger. ``as_of`` is the instant of the
    facts: "now", wherever a figure depends on the present.
    """

    as_of: int
    window: Window
    target: CycleTarget
    trigger: str
    selection: dict[str, str]
    """What the cycles were selected by, such as their team and model, by the word for it; empty for all cycles."""
    counts: Counts
    remarks: Remarks
    headline: Headline
    attainment: Attainment
    incidence: Incidence
    history: History
    groups: Groups
    accounting: Accounting
    waits: Waits
    manual: Manual
    tests: ModelTests
    activation: Activation
    training: Training
    work: FlowOfWork
    trend: Trend
    change_point: ChangePoint
    what_if: WhatIf

    def _repr_html_(self) -> str:
        """Return the page of this report in a frame, as notebooks show it; without cycles one by one."""
        from cycletrace._internal.report import html, page

        return html.in_frame(html.render(page.report_page(self)))


def build(
    facts: Iterable[Facts],
    *,
    as_of: int | None = None,
    window: str = DEFAULT_WINDOW,
    target: str | CycleTarget = DEFAULT_TARGET,
    zone: tzinfo = timezone.utc,
    trigger: str = c.IDEA,
    selection: Mapping[str, str] | None = None,
    later_records: int = 0,
) -> Report:
    """Return the report on cycles, from their facts.

    Args:
        facts: The facts of all cycles as of ``as_of``, each once. They are read once; their order changes no figure.
        as_of: The instant (UTC nanoseconds) of the facts; by default now.
        window: A window as for :func:`parse_window`: ``90d``, ``12w``, ``36h``, two dates, ``all``.
        target: A target, or a text as for :func:`parse_target`: ``deployment:15m``, ``cycle:2h``.
        zone: The time zone in which days and weeks begin.
        trigger: The trigger that the figures are about, or ``all``; others are only counted.
        selection: What the facts were selected by, for the heading: ``{"team": "ads", "model": "churn"}``.
        later_records: How many records are dated later than ``as_of``, for the notes.

    Raises:
        ValueError: if window or target cannot be parsed. The message says what they look like.
    """
    as_of = time.time_ns() if as_of is None else as_of
    span = parse_window(window, as_of, zone)
    aim = parse_target(target) if isinstance(target, str) else target
    year = parse_window("365d", as_of, zone)
    builder, sample, points = ColumnsBuilder(), Sample(), Points()
    open_cycles: list[OpenCycle] = []
    test_runs: list[StageFacts] = []
    remarks = Remarks(later_records=later_records)
    for one in facts:
        is_of_trigger = is_about(one, trigger)
        finished = finish(one) if is_of_trigger and is_counted(one) else None
        is_readable = builder.add(one, has_details=_lies_in(finished, span.before, span.end))
        if not is_readable or not is_of_trigger:
            continue
        points.add(one, span, as_of)
        is_in_window = _lies_in(finished, span.begin, span.end)
        opened = open_cycle(one, as_of)
        if is_counted(one):
            test_runs += runs_in_window(one, span)
            if is_in_window or opened is not None:
                remarks.add(one, is_finished=is_in_window)
        if opened is not None:
            open_cycles.append(opened)
        elif is_in_window and one["cycle_time_ns"] is not None:
            sample.add(one)
    columns = builder.columns()
    chosen = populations(columns, span, as_of, trigger)
    times = columns.cycles.time[chosen.measured]
    attained = attainment(columns, chosen.all_of_trigger, span, as_of, aim)
    return Report(
        as_of=as_of,
        window=span,
        target=aim,
        trigger=trigger,
        selection=dict(selection or {}),
        counts=counts_of(columns, chosen, span),
        remarks=remarks,
        headline=Headline(
            "cycles finished in the window", quantile(times, P50), quantile(times, P85), quantile(times, P95)
        ),
        attainment=attained,
        incidence=incidence(columns, chosen.all_of_trigger, span, as_of, aim, attained.population),
        history=points.history(columns, chosen, span, zone),
        groups=groups(columns, chosen, span, as_of, aim),
        accounting=accounting(columns, chosen.measured),
        waits=waits(columns, chosen.measured),
        manual=manual(columns, chosen.measured),
        tests=model_tests(columns, chosen.measured, test_runs),
        activation=activation(columns, chosen.finished),
        training=training(columns, chosen.all_of_trigger, span),
        work=flow_of_work(columns, chosen, open_cycles, span, as_of, zone),
        trend=trend(columns, chosen),
        change_point=change_point(columns, chosen.all_of_trigger, year, span),
        what_if=what_if(sample.facts(), sample.seen),
    )


def _lies_in(instant: int | None, begin: int | None, end: int) -> bool:
    return instant is not None and instant < end and (begin is None or begin <= instant)


def to_json(of: Report | CycleReport) -> dict[str, Any]:
    """Return a report as JSON values, named as its fields; nanoseconds stay integers."""
    return asdict(of)
