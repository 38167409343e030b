"""This window against the one before: how far the medians differ, and what explains the difference of the means.

Source of the interval: B. Efron, "Bootstrap methods: another look at the jackknife", Annals of Statistics 7 (1979)
1-26, percentile method. A resampled median is drawn from its exact bootstrap distribution: order statistics of a
resample are those of uniform variables, whose law is a beta distribution (David and Nagaraja, "Order Statistics",
section 2.1), so that a million cycles cost no more than ten.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cycletrace.conventions import ACTIVITIES
from cycletrace.report.accounting import Group, owned_totals
from cycletrace.report.columns import Table
from cycletrace.report.populations import Populations
from cycletrace.report.quantiles import LEVEL, P50, Quantile, n_needed, quantile
from cycletrace.report.sums import Bools, Int64s, means, total

RESAMPLES = 9999
_SEED = 1961


@dataclass(frozen=True)
class Explained:
    """How much of the difference of the means one activity, or one stage, explains (ns; negative is faster).

    A row of the stages without a ``stage`` is a wait of the cycle, or what nothing explains: its ``activity``.
    """

    stage: str | None
    activity: str | None
    difference_ns: int


@dataclass(frozen=True)
class Trend:
    """This window less the one before; negative is faster. ``verdict`` says it in words.

    ``activities`` and ``stages`` each add up to ``mean_difference_ns``, the largest first.
    """

    population: str
    n: int
    n_before: int
    now: Quantile
    before: Quantile
    difference_ns: int | None
    low_ns: int | None
    high_ns: int | None
    level: float
    verdict: str
    mean_difference_ns: int | None
    activities: list[Explained]
    stages: list[Explained]


def trend(table: Table, chosen: Populations) -> Trend:
    """This window against the one before."""
    times = table.cycles.time
    now, before = np.sort(times[chosen.measured]), np.sort(times[chosen.before])
    p50_now, p50_before = quantile(now), quantile(before)
    difference = low = high = None
    if p50_now.value_ns is not None and p50_before.value_ns is not None:
        difference = p50_now.value_ns - p50_before.value_ns
    enough = n_needed(P50)
    if min(len(now), len(before)) >= enough:
        low, high = bootstrap_interval(now, before)
    is_explained = difference is not None
    return Trend(
        population="cycles finished in the window and in the one before it",
        n=len(now),
        n_before=len(before),
        now=p50_now,
        before=p50_before,
        difference_ns=difference,
        low_ns=low,
        high_ns=high,
        level=float(LEVEL),
        verdict=_verdict(len(now), len(before), enough, low, high),
        mean_difference_ns=_mean(now) - _mean(before) if is_explained else None,
        activities=_activities(table, chosen) if is_explained else [],
        stages=_stages(table, chosen) if is_explained else [],
    )


def _verdict(n: int, n_before: int, enough: int, low: int | None, high: int | None) -> str:
    if low is None or high is None:
        return (
            f"no conclusion possible: it needs {enough} finished cycles in each of the two windows, "
            f"there are {n} and {n_before}"
        )
    if high < 0:
        return "faster than in the window before"
    if low > 0:
        return "slower than in the window before"
    return "no conclusion possible: it may as well be no difference"


def bootstrap_interval(now: Int64s, before: Int64s) -> tuple[int, int]:
    """The interval of the difference of the medians of two lists of lengths in order (percentile method, seeded)."""
    random = np.random.default_rng(_SEED)
    differences = np.sort(_resampled_medians(now, random) - _resampled_medians(before, random))
    tail = round((RESAMPLES + 1) * float(1 - LEVEL) / 2)
    return int(differences[tail - 1]), int(differences[RESAMPLES - tail])


def _resampled_medians(ordered: Int64s, random: np.random.Generator) -> Int64s:
    """Medians of samples drawn with replacement: the (two) middle order statistics of as many uniform variables."""
    n = len(ordered)
    middle = (n + 1) // 2
    lower = random.beta(middle, n - middle + 1, RESAMPLES)
    below = ordered[np.minimum((lower * n).astype(np.int64), n - 1)]
    if n % 2:
        return below
    upper = lower + (1 - lower) * random.beta(1, n - middle, RESAMPLES)
    above = ordered[np.minimum((upper * n).astype(np.int64), n - 1)]
    return below + (above - below) // 2


def _mean(lengths: Int64s) -> int:
    return means([total(lengths)], len(lengths))[0]


def _activities(table: Table, chosen: Populations) -> list[Explained]:
    now, before = (_activity_means(table, mask) for mask in (chosen.measured, chosen.before))
    rows = [
        Explained(None, name, mean - mean_before)
        for name, mean, mean_before in zip(ACTIVITIES, now, before, strict=True)
        if mean or mean_before
    ]
    return _largest_first(rows)


def _activity_means(table: Table, mask: Bools) -> list[int]:
    totals = [total(column) for column in table.cycles.activity[mask].T]
    return means(totals, int(np.count_nonzero(mask)))


def _stages(table: Table, chosen: Populations) -> list[Explained]:
    now, before = (_stage_means(table, mask) for mask in (chosen.measured, chosen.before))
    groups = {**now, **before}
    return _largest_first([Explained(*group, now.get(group, 0) - before.get(group, 0)) for group in groups])


def _stage_means(table: Table, mask: Bools) -> dict[Group, int]:
    totals = owned_totals(table, mask)
    order = sorted(totals, key=lambda group: (-totals[group], group[0] or "", group[1] or ""))
    return dict(zip(order, means([totals[group] for group in order], int(np.count_nonzero(mask))), strict=True))


def _largest_first(rows: list[Explained]) -> list[Explained]:
    return sorted(rows, key=lambda row: (-abs(row.difference_ns), row.stage or "", row.activity or ""))
