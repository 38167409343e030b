"""This window against the one before: the difference of the medians, and what explains that of the means.

Source of the interval: B. Efron, "Bootstrap methods: another look at the jackknife", Annals of Statistics 7 (1979)
1-26, percentile method. A resampled median is drawn from its exact bootstrap distribution, by way of the order
statistics of uniform variables, which have beta distributions (David and Nagaraja, "Order Statistics", section 2.1).
So a million cycles cost no more than ten do.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cycletrace import conventions as c
from cycletrace._internal.report.accounting import Group, owned_totals
from cycletrace._internal.report.columns import Columns
from cycletrace._internal.report.populations import Populations
from cycletrace._internal.report.quantiles import LEVEL, P50, Quantile, n_needed, quantile
from cycletrace._internal.report.sums import Bools, Int64s, count, means, total

RESAMPLES = 9999
_SEED = 1961


@dataclass(frozen=True)
class Explained:
    """The part of the difference of the means that one activity or one stage explains (ns; negative is faster).

    A row of the stages without a ``stage`` is a wait of the cycle or unexplained time, by its ``activity``.
    """

    stage: str | None
    activity: str | None
    difference_ns: int


@dataclass(frozen=True)
class Trend:
    """This window minus the one before; negative is faster. ``verdict`` is the result in words.

    ``activities`` and ``stages``, the largest first, each add up to ``mean_difference_ns``.
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


def trend(columns: Columns, chosen: Populations) -> Trend:
    """Compare the cycle times of this window with those of the one before."""
    times = columns.cycles.time
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
        activities=_activities(columns, chosen) if is_explained else [],
        stages=explained_by_stage(columns, chosen.measured, chosen.before) if is_explained else [],
    )


def _verdict(n: int, n_before: int, enough: int, low: int | None, high: int | None) -> str:
    if low is None or high is None:
        return (
            f"not conclusive: a comparison takes {enough} finished cycles in each of the two windows, "
            f"and there are {n} and {n_before}"
        )
    if high < 0:
        return "faster than in the window before"
    if low > 0:
        return "slower than in the window before"
    return "not conclusive: the difference could be chance"


def bootstrap_interval(now: Int64s, before: Int64s) -> tuple[int, int]:
    """Return the interval of the difference of the medians of two sorted lists of lengths."""
    random = np.random.default_rng(_SEED)
    differences = np.sort(_resampled_medians(now, random) - _resampled_medians(before, random))
    tail = round((RESAMPLES + 1) * float(1 - LEVEL) / 2)
    return int(differences[tail - 1]), int(differences[RESAMPLES - tail])


def _resampled_medians(ordered: Int64s, random: np.random.Generator) -> Int64s:
    """Return medians of samples drawn with replacement, from the middle order statistics of uniform variables."""
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


def _activities(columns: Columns, chosen: Populations) -> list[Explained]:
    now, before = (_activity_means(columns, mask) for mask in (chosen.measured, chosen.before))
    rows = [
        Explained(None, name, mean - mean_before)
        for name, mean, mean_before in zip(c.ACTIVITIES, now, before, strict=True)
        if mean or mean_before
    ]
    return _largest_first(rows)


def _activity_means(columns: Columns, mask: Bools) -> list[int]:
    totals = [total(column) for column in columns.cycles.activity[mask].T]
    return means(totals, count(mask))


def explained_by_stage(columns: Columns, now: Bools, before: Bools) -> list[Explained]:
    """Return what each stage adds to the difference of the means of these cycles, the largest first."""
    means_now, means_before = _stage_means(columns, now), _stage_means(columns, before)
    groups = {**means_now, **means_before}
    rows = [Explained(*group, means_now.get(group, 0) - means_before.get(group, 0)) for group in groups]
    return _largest_first(rows)


def _stage_means(columns: Columns, mask: Bools) -> dict[Group, int]:
    totals = owned_totals(columns, mask)
    order = sorted(totals, key=lambda group: (-totals[group], group[0] or "", group[1] or ""))
    return dict(zip(order, means([totals[group] for group in order], count(mask)), strict=True))


def _largest_first(rows: list[Explained]) -> list[Explained]:
    return sorted(rows, key=lambda row: (-abs(row.difference_ns), row.stage or "", row.activity or ""))
