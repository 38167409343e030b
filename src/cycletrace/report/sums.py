"""Exact sums and means of nanoseconds.

A million cycles of a day are 8.6e19 ns: more than 64 bits hold, and more than a float tells apart. So sums are
Python integers, and means that have to add up are rounded together.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

Int64s = NDArray[np.int64]
"""Lengths or instants in nanoseconds."""
Bools = NDArray[np.bool_]

_LOW = 32


def total(lengths: Int64s) -> int:
    """The sum, as an exact integer. Halves of 32 bits are summed alone, so that nothing overflows below 2^31 terms."""
    high = int(np.sum(lengths >> _LOW, dtype=np.int64))
    low = int(np.sum(lengths & ((1 << _LOW) - 1), dtype=np.int64))
    return (high << _LOW) + low


def totals_by(codes: NDArray[np.integer], lengths: Int64s, size: int) -> list[int]:
    """The exact sum of the lengths of each code from 0 up to ``size``."""
    high = np.zeros(size, dtype=np.int64)
    low = np.zeros(size, dtype=np.int64)
    np.add.at(high, codes, lengths >> _LOW)
    np.add.at(low, codes, lengths & ((1 << _LOW) - 1))
    return [(int(upper) << _LOW) + int(lower) for upper, lower in zip(high, low, strict=True)]


def means(totals: Sequence[int], n: int) -> list[int]:
    """Each total divided by n, rounded to integers that add up to the rounded mean of their sum.

    By largest remainders (Hamilton's method), ties to the earlier: no mean is off by 1 ns or more.
    """
    if n == 0:
        return [0] * len(totals)
    floors = [value // n for value in totals]
    missing = round(Fraction(sum(totals), n)) - sum(floors)
    by_remainder = sorted(range(len(totals)), key=lambda index: (-(totals[index] % n), index))
    for index in by_remainder[:missing]:
        floors[index] += 1
    return floors


def mean(lengths: Int64s) -> int | None:
    """The mean, rounded to a nanosecond; ``None`` of nothing."""
    return round(Fraction(total(lengths), len(lengths))) if len(lengths) else None
