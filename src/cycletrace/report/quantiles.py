"""Quantiles of lengths, with intervals that assume nothing about their distribution.

Sources. Definition of the quantile: Hyndman and Fan, "Sample quantiles in statistical packages", The American
Statistician 50 (1996) 361-365, their type 8 (``median_unbiased`` in NumPy), which the authors recommend.
Interval: two order statistics, whose ranks come from the binomial distribution; David and Nagaraja, "Order
Statistics", 3rd edition (2003), section 7.1; Meeker, Hahn and Escobar, "Statistical Intervals", 2nd edition (2017),
section 5.2.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from math import floor

import numpy as np
from scipy.special import bdtr

from cycletrace.report.sums import Int64s

LEVEL = Fraction(95, 100)
"""The confidence level of every interval in a report."""

P50 = Fraction(50, 100)
P85 = Fraction(85, 100)
P95 = Fraction(95, 100)


@dataclass(frozen=True)
class Quantile:
    """A quantile of n lengths (ns), with its interval where n suffices for one.

    ``n_needed`` is the smallest n for which there is an interval at this level; below it, ``low_ns`` and ``high_ns``
    are ``None``. ``value_ns`` is ``None`` of nothing.
    """

    p: float
    value_ns: int | None
    low_ns: int | None
    high_ns: int | None
    level: float
    n: int
    n_needed: int


def quantile(lengths: Int64s, p: Fraction = P50, level: Fraction = LEVEL) -> Quantile:
    """The quantile of lengths (ns) in any order, and its interval."""
    ordered = np.sort(lengths)
    n = len(ordered)
    ranks = interval_ranks(n, p, level)
    return Quantile(
        p=float(p),
        value_ns=_type_8(ordered, p) if n else None,
        low_ns=int(ordered[ranks[0] - 1]) if ranks else None,
        high_ns=int(ordered[ranks[1] - 1]) if ranks else None,
        level=float(level),
        n=n,
        n_needed=n_needed(p, level),
    )


def _type_8(ordered: Int64s, p: Fraction) -> int:
    """Linear between the order statistics around rank (n + 1/3) p + 1/3; in rational numbers, rounded once."""
    n = len(ordered)
    rank = min(max((n + Fraction(1, 3)) * p + Fraction(1, 3), Fraction(1)), Fraction(n))
    below = floor(rank)
    value = int(ordered[below - 1])
    if rank > below:
        return round(value + (rank - below) * (int(ordered[below]) - value))
    return value


@lru_cache(maxsize=16)
def n_needed(p: Fraction, level: Fraction = LEVEL) -> int:
    """The smallest n at which the smallest and the largest value enclose the quantile at this level.

    At 95 %: 6 for p50, 19 for p85, 59 for p95.
    """
    n = 2
    while 1 - p**n - (1 - p) ** n < level:
        n += 1
    return n


@lru_cache(maxsize=1024)
def interval_ranks(n: int, p: Fraction, level: Fraction = LEVEL) -> tuple[int, int] | None:
    """Ranks (from 1) of the two order statistics that enclose the quantile, ``None`` where n does not suffice.

    Of all pairs whose coverage P(lower <= B < upper), B binomial (n, p), reaches the level, the closest pair; of
    these the one whose tails are most alike. The coverage holds for every distribution, and is exceeded with ties.
    """
    if n < n_needed(p, level):
        return None
    chance, tails = float(p), 1 - float(level)
    # Beyond six standard deviations no pair can be the closest one.
    spread = 6 * (n * chance * (1 - chance)) ** 0.5 + 2
    ranks = np.arange(max(1, int(n * chance - spread)), min(n, int(n * chance + spread) + 1) + 1)
    below = bdtr(ranks - 1.0, n, chance)  # P(B < rank)
    best: tuple[int, float, int, int] | None = None
    for lower, lower_tail in enumerate(below):
        upper = int(np.searchsorted(below, lower_tail + float(level)))
        if lower_tail > tails or upper == len(ranks):
            break
        unevenness = abs(float(lower_tail - (1 - below[upper])))
        found = (upper - lower, unevenness, int(ranks[lower]), int(ranks[upper]))
        best = found if best is None else min(best, found)
    assert best is not None
    return best[2], best[3]
