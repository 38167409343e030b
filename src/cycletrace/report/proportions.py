"""Shares of a whole, with Wilson's interval.

Source: E. B. Wilson, "Probable inference, the law of succession, and statistical inference", Journal of the American
Statistical Association 22 (1927) 209-212; recommended for small n by Brown, Cai and DasGupta, "Interval estimation
for a binomial proportion", Statistical Science 16 (2001) 101-133. Unlike the textbook interval it is not empty where
the share is 0 or 1, which is where small teams are.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from statistics import NormalDist

LEVEL = 0.95


@dataclass(frozen=True)
class Share:
    """How many of n, as a share from 0 to 1 with its interval; all three ``None`` of nothing."""

    count: int
    n: int
    value: float | None
    low: float | None
    high: float | None
    level: float


def share(count: int, n: int, level: float = LEVEL) -> Share:
    """The share of ``count`` in ``n``."""
    if n == 0:
        return Share(count, n, None, None, None, level)
    return Share(count, n, count / n, *wilson(count / n, n, level), level)


def wilson(value: float, n: float, level: float = LEVEL) -> tuple[float, float]:
    """Wilson's interval of a share seen in n trials. An n that is no integer is an effective one."""
    z = NormalDist().inv_cdf((1 + level) / 2)
    middle = value + z * z / (2 * n)
    reach = z * sqrt(value * (1 - value) / n + z * z / (4 * n * n))
    scale = 1 + z * z / n
    low = 0.0 if value <= 0 else max(0.0, (middle - reach) / scale)
    high = 1.0 if value >= 1 else min(1.0, (middle + reach) / scale)
    return low, high
