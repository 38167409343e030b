"""Shares of a whole, with Wilson's interval.

Source: E. B. Wilson, "Probable inference, the law of succession, and statistical inference", Journal of the American
Statistical Association 22 (1927) 209-212; recommended for small n by Brown, Cai and DasGupta, "Interval estimation
for a binomial proportion", Statistical Science 16 (2001) 101-133. Unlike the textbook interval it has a width where the
share is 0 or 1, as it often is in small teams.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from statistics import NormalDist

LEVEL = 0.95


@dataclass(frozen=True)
class Share:
    """``count`` of ``n`` as a share from 0 to 1, with its interval; all three are ``None`` if n is 0."""

    count: int
    n: int
    value: float | None
    low: float | None
    high: float | None
    level: float


def share(count: int, n: int, level: float = LEVEL) -> Share:
    """Return ``count`` of ``n`` as a share, with its interval."""
    if n == 0:
        return Share(count, n, None, None, None, level)
    return Share(count, n, count / n, *wilson(count / n, n, level), level)


def wilson(value: float, n: float, level: float = LEVEL) -> tuple[float, float]:
    """Return Wilson's interval of a share observed in n trials; n may be an effective number, not an integer."""
    z = NormalDist().inv_cdf((1 + level) / 2)
    middle = value + z * z / (2 * n)
    reach = z * sqrt(value * (1 - value) / n + z * z / (4 * n * n))
    scale = 1 + z * z / n
    low = 0.0 if value <= 0 else max(0.0, (middle - reach) / scale)
    high = 1.0 if value >= 1 else min(1.0, (middle + reach) / scale)
    return low, high
