"""Exact sums and means of nanoseconds.

A million cycles of a day are 8.6e19 ns: too much for 64 bits, and too much for a float to keep every nanosecond. So
sums are Python integers, and means that have to add up are rounded together.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

Int64s = NDArray[np.int64]
"""Lengths or instants in nanoseconds."""
Floats = NDArray[np.float64]
Codes = NDArray[np.int32]
"""Indexes into a list of names."""
Bools = NDArray[np.bool_]
"""A mask of rows."""

_LOW = 32


def total(lengths: Int64s) -> int:
    """Return the exact sum. The halves of 32 bits are summed apart, so nothing overflows below 2^31 terms."""
    high = int(np.sum(lengths >> _LOW, dtype=np.int64))
    low = int(np.sum(lengths & ((1 << _LOW) - 1), dtype=np.int64))
    return (high << _LOW) + low


def means(totals: Sequence[int], n: int) -> list[int]:
    """Return each total divided by n, rounded to integers that add up to the rounded mean of their sum.

    Rounds by largest remainders (Hamilton's method), ties to the earlier: each mean is off by less than 1 ns. For
    n = 0 all means are 0.
    """
    if n == 0:
        return [0] * len(totals)
    floors = [value // n for value in totals]
    missing = round(Fraction(sum(totals), n)) - sum(floors)
    by_remainder = sorted(range(len(totals)), key=lambda index: (-(totals[index] % n), index))
    for index in by_remainder[:missing]:
        floors[index] += 1
    return floors


def count(mask: Bools) -> int:
    """Return how many rows a mask has."""
    return int(np.count_nonzero(mask))


def share_of(part: int, whole: int) -> float | None:
    """Return a part as a share of the whole, ``None`` if the whole is 0."""
    return part / whole if whole else None
