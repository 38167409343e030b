"""A lasting change of the cycle time within the last year.

Source: A. N. Pettitt, "A non-parametric approach to the change-point problem", Journal of the Royal Statistical Society
C 28 (1979) 126-135. It uses ranks only, so it assumes no distribution, and one enormous outlier decides nothing. The
approximate p-value is his; docs/statistics.md has the measured rate of false alarms.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import exp

import numpy as np
from numpy.typing import NDArray

from cycletrace._internal.report.columns import NULL, Columns
from cycletrace._internal.report.populations import within
from cycletrace._internal.report.quantiles import Quantile, quantile
from cycletrace._internal.report.sums import Bools, Int64s
from cycletrace._internal.report.trend import Explained, explained_by_stage
from cycletrace._internal.report.windows import Window

FALSE_ALARMS = 0.05
"""The largest rate at which a change is found where there is none."""
N_NEEDED = 20


@dataclass(frozen=True)
class ChangePoint:
    """The likeliest single change in the order in which cycles finished.

    ``at`` is the finish (UTC ns) of the first cycle after the change, ``before`` and ``after`` are the medians. All
    are ``None`` unless ``p_value`` is at most ``false_alarms``. ``verdict`` is the result in words.
    """

    population: str
    n: int
    n_needed: int
    false_alarms: float
    p_value: float | None
    at: int | None
    before: Quantile | None
    after: Quantile | None
    verdict: str
    stages: list[Explained]
    """What explains the difference of the means, the largest first, of those of these cycles whose details are known:
    that finished in the window or in the one before it. Empty if none of them did on either side of the change."""


def pettitt(values: Int64s) -> tuple[int, float]:
    """Return how many values precede the likeliest change, and the approximate p-value of a change.

    U_k = 2 (R_1 + ... + R_k) - k (n + 1) with mid-ranks R; the change is where its absolute value is largest.
    """
    n = len(values)
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    doubled_ranks = 2 * np.cumsum(counts) - counts + 1  # twice the mid-rank, which may be a half
    statistic = np.abs(np.cumsum(doubled_ranks[place]) - np.arange(1, n + 1) * (n + 1))
    index = int(np.argmax(statistic[:-1]))
    largest = int(statistic[index])
    return index + 1, min(1.0, 2 * exp(-6 * largest**2 / (n**3 + n**2)))


def change_point(columns: Columns, of_trigger: Bools, year: Window, detailed: Window) -> ChangePoint:
    """Return the change point of the cycle times of those of these cycles that finished in a year.

    The owners of cycles are known of those that finished in the window ``detailed``, or in the one before it.
    """
    cycles = columns.cycles
    rows = np.flatnonzero(of_trigger & (cycles.time != NULL) & within(cycles.finish, year.begin, year.end))
    rows = np.array(sorted(rows, key=lambda row: (cycles.finish[row], cycles.ids[row])), dtype=np.intp)
    times, n = cycles.time[rows], len(rows)
    population = "cycles finished in the last year"
    if n < N_NEEDED:
        verdict = (
            f"not conclusive: finding a change within the year takes {N_NEEDED} finished cycles, and there are {n}"
        )
        return ChangePoint(population, n, N_NEEDED, FALSE_ALARMS, None, None, None, None, verdict, [])
    index, p_value = pettitt(times)
    if p_value > FALSE_ALARMS:
        verdict = "no change found over the last year"
        return ChangePoint(population, n, N_NEEDED, FALSE_ALARMS, p_value, None, None, None, verdict, [])
    before, after = quantile(times[:index]), quantile(times[index:])
    assert before.value_ns is not None
    assert after.value_ns is not None
    verdict = "faster since" if after.value_ns < before.value_ns else "slower since"
    if after.value_ns == before.value_ns:
        verdict = "changed, but not in its median, since"
    at = int(cycles.finish[rows[index]])
    is_detailed = within(cycles.finish, detailed.before, detailed.end)
    now, earlier = (_mask(each, len(cycles.ids)) & is_detailed for each in (rows[index:], rows[:index]))
    stages = explained_by_stage(columns, now, earlier) if np.any(now) and np.any(earlier) else []
    return ChangePoint(population, n, N_NEEDED, FALSE_ALARMS, p_value, at, before, after, verdict, stages)


def _mask(rows: NDArray[np.intp], size: int) -> Bools:
    mask: Bools = np.zeros(size, dtype=np.bool_)
    mask[rows] = True
    return mask
