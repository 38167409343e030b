"""The report over all cycles: every figure, as plain data."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import timezone, tzinfo
from typing import Any

from cycletrace.conventions import IDEA
from cycletrace.flow import CycleTarget, Facts, finish, is_counted, parse_target
from cycletrace.flow.targets import DEFAULT_TARGET
from cycletrace.report import windows
from cycletrace.report.accounting import Accounting, accounting
from cycletrace.report.activation import Activation, activation
from cycletrace.report.attainment import Attainment, attainment
from cycletrace.report.change_point import ChangePoint, change_point
from cycletrace.report.manual import Manual, manual
from cycletrace.report.one import CycleReport
from cycletrace.report.populations import Counts, counts_of, populations
from cycletrace.report.quantiles import P50, P85, P95, Quantile, quantile
from cycletrace.report.table import table_of
from cycletrace.report.testing import Tests, tests
from cycletrace.report.training import Training, training
from cycletrace.report.trend import Trend, trend
from cycletrace.report.waits import Waits, waits
from cycletrace.report.what_if import Sample, WhatIf, what_if
from cycletrace.report.windows import Window, parse_window
from cycletrace.report.work import OpenCycle, Work, open_cycle, work


@dataclass(frozen=True)
class Headline:
    """The one number: the median cycle time of those finished in the window; p85 and p95 beside it."""

    population: str
    median: Quantile
    p85: Quantile
    p95: Quantile


@dataclass(frozen=True)
class Report:
    """Every figure. Lengths are nanoseconds, instants UTC nanoseconds, shares lie between 0 and 1.

    All figures but those by trigger are about the cycles of one trigger. ``as_of`` is the instant as of which the facts
    are, and as of which all that depends on the present is meant.
    """

    as_of: int
    window: Window
    target: CycleTarget
    trigger: str
    counts: Counts
    headline: Headline
    attainment: Attainment
    accounting: Accounting
    waits: Waits
    manual: Manual
    tests: Tests
    activation: Activation
    training: Training
    work: Work
    trend: Trend
    change_point: ChangePoint
    what_if: WhatIf


def report(
    facts: Iterable[Facts],
    *,
    as_of: int,
    window: str = windows.DEFAULT,
    target: str | CycleTarget = DEFAULT_TARGET,
    zone: tzinfo = timezone.utc,
    trigger: str = IDEA,
) -> Report:
    """The report on cycles, from their facts, each once and in any order; the order changes no figure.

    Args:
        facts: The facts of all cycles as of ``as_of``. They are read once.
        as_of: The instant (UTC nanoseconds) of the facts.
        window: What :func:`cycletrace.report.parse_window` takes: ``90d``, ``12w``, ``36h``, two dates, ``all``.
        target: A target, or what :func:`cycletrace.flow.parse_target` takes: ``deployment:15m``, ``cycle:2h``.
        zone: The time zone in which days and weeks begin.
        trigger: The trigger that the figures are about; the others are told beside.

    Raises:
        ValueError: if window or target cannot be read, with the sentence that helps.
    """
    when = parse_window(window, as_of, zone)
    aim = parse_target(target) if isinstance(target, str) else target
    year = parse_window("365d", as_of, zone)
    sample = Sample()
    found: list[OpenCycle] = []

    def is_detailed(one: Facts) -> bool:
        """Whether it finished in the window or the one before it."""
        if one["trigger"] != trigger or not is_counted(one):
            return False
        finished = finish(one)
        return finished is not None and (when.before is None or when.before <= finished) and finished < when.end

    def visit(one: Facts, is_detailed: bool) -> None:
        if is_detailed:
            finished, time = finish(one), one["cycle_time_ns"]
            if time is not None and finished is not None and (when.begin is None or when.begin <= finished):
                sample.add(one)
        elif one["trigger"] == trigger:
            opened = open_cycle(one, as_of)
            if opened is not None:
                found.append(opened)

    table = table_of(facts, is_detailed, visit)
    chosen = populations(table, when, as_of, trigger)
    times = table.cycles.time[chosen.measured]
    return Report(
        as_of=as_of,
        window=when,
        target=aim,
        trigger=trigger,
        counts=counts_of(table, chosen, when),
        headline=Headline(
            "cycles finished in the window", quantile(times, P50), quantile(times, P85), quantile(times, P95)
        ),
        attainment=attainment(table, chosen.main, when, as_of, aim),
        accounting=accounting(table, chosen.measured),
        waits=waits(table, chosen.measured),
        manual=manual(table, chosen.measured),
        tests=tests(table, chosen.measured),
        activation=activation(table, chosen.finished),
        training=training(table, chosen.main, when),
        work=work(table, chosen, found, when, as_of, zone),
        trend=trend(table, chosen),
        change_point=change_point(table, chosen.main, year),
        what_if=what_if(sample.facts(), sample.seen),
    )


def to_json(of: Report | CycleReport) -> dict[str, Any]:
    """A report as objects, lists, texts, numbers and nulls, named as its fields. Nanoseconds stay integers."""
    return asdict(of)
