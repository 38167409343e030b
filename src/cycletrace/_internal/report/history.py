"""Cycles over time: each one as a point, and the median of each week or month."""

from __future__ import annotations

from bisect import insort
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, tzinfo
from itertools import pairwise
from typing import Literal

import numpy as np

from cycletrace import conventions as c
from cycletrace._internal.flow import Facts, finish, is_counted
from cycletrace._internal.report.columns import Columns
from cycletrace._internal.report.populations import Populations
from cycletrace._internal.report.quantiles import P50, P85, Quantile, quantile
from cycletrace._internal.report.sums import Int64s
from cycletrace._internal.report.windows import Window, local, mondays, months

MOST_POINTS = 1500
"""The largest number of cycles that are points: those with the smallest ids, which are random but stable."""

_LONGEST_BY_WEEK_NS = 130 * 86400 * 10**9


@dataclass(frozen=True, order=True)
class Point:
    """One cycle at the instant ``at`` at which it finished or closed, or now, with its time so far (ns)."""

    cycle_id: str
    key: str | None
    namespace: str
    model: str | None
    at: int
    time_ns: int
    state: str
    """``finished``, ``open``, or the outcome of a cycle that closed without having finished."""


@dataclass(frozen=True)
class Period:
    """The median of the cycles that finished in ``[begin, end)`` (UTC ns); ``begins`` is the date in the time zone."""

    begins: str
    begin: int
    end: int
    median: Quantile
    p85: Quantile


@dataclass(frozen=True)
class History:
    """The cycles of a window over time. ``points_in_all`` is how many cycles the points stand for."""

    population: str
    points: list[Point]
    points_in_all: int
    by: Literal["week", "month"]
    periods: list[Period]
    """Of the length that suits the window."""
    months: list[Period]


class Points:
    """Takes in cycles in any order, and keeps the same up to :data:`MOST_POINTS` of them."""

    def __init__(self) -> None:
        self._kept: list[Point] = []
        self._seen = 0

    def add(self, facts: Facts, window: Window, as_of: int) -> None:
        """Add a cycle, if it lies in the window."""
        time, started, finished = facts["cycle_time_ns"], facts["marks"]["started"], finish(facts)
        if time is None or started is None or not is_counted(facts):
            return
        is_open = facts["outcome"] == c.OPEN and finished is None
        at = as_of if is_open else started + time if finished is None else finished
        if not is_open and (at >= window.end or (window.begin is not None and at < window.begin)):
            return
        self._seen += 1
        if len(self._kept) == MOST_POINTS and facts["cycle_id"] > self._kept[-1].cycle_id:
            return
        state = "open" if is_open else "finished" if finished is not None else facts["outcome"]
        point = Point(facts["cycle_id"], facts["key"], facts["namespace"], facts["model"], at, time, state)
        insort(self._kept, point, key=lambda each: each.cycle_id)
        del self._kept[MOST_POINTS:]

    def history(self, columns: Columns, chosen: Populations, window: Window, zone: tzinfo) -> History:
        """Return the points that were kept, and the medians of all cycles that finished."""
        finishes, times = columns.cycles.finish[chosen.measured], columns.cycles.time[chosen.measured]
        by_month = _periods(finishes, times, months, zone)
        is_long = len(finishes) > 0 and np.max(finishes) - (window.begin or np.min(finishes)) > _LONGEST_BY_WEEK_NS
        return History(
            population="cycles finished or closed in the window, and those open now",
            points=sorted(self._kept, key=lambda each: (each.at, each.cycle_id)),
            points_in_all=self._seen,
            by="month" if is_long else "week",
            periods=by_month if is_long else _periods(finishes, times, mondays, zone),
            months=by_month,
        )


def _periods(
    finishes: Int64s, times: Int64s, begins: Callable[[int, int, tzinfo], list[tuple[date, int]]], zone: tzinfo
) -> list[Period]:
    """Return the figures of each period in which a cycle finished."""
    if not len(finishes):
        return []
    edges = [at for _, at in begins(int(np.min(finishes)), int(np.max(finishes)), zone)]
    places = np.searchsorted(np.array(edges), finishes, side="right") - 1
    periods = []
    for place, (begin, end) in enumerate(pairwise(edges)):
        lengths = times[places == place]
        if len(lengths):
            day = local(begin, zone).date().isoformat()
            periods.append(Period(day, begin, end, quantile(lengths, P50), quantile(lengths, P85)))
    return periods
