"""Half-open intervals of integers, as far as the sweep needs them."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator


class Cover:
    """A union of half-open intervals, kept as disjoint ones in order. Adding is logarithmic, amortized."""

    __slots__ = ("_ends", "_starts")

    def __init__(self) -> None:
        self._starts: list[int] = []
        self._ends: list[int] = []

    def __len__(self) -> int:
        return len(self._starts)

    def __iter__(self) -> Iterator[tuple[int, int]]:
        return zip(self._starts, self._ends, strict=True)

    def add(self, start: int, end: int) -> None:
        """Cover this interval too. What touches becomes one; an empty interval covers nothing."""
        if end <= start:
            return
        first = bisect_left(self._ends, start)
        behind = bisect_right(self._starts, end)
        if first < behind:
            start = min(start, self._starts[first])
            end = max(end, self._ends[behind - 1])
        self._starts[first:behind] = [start]
        self._ends[first:behind] = [end]

    def gaps(self, start: int, end: int) -> list[tuple[int, int]]:
        """Return the parts of an interval that are not covered, in order."""
        uncovered = []
        index = bisect_right(self._ends, start)
        while index < len(self._starts) and self._starts[index] < end:
            if start < self._starts[index]:
                uncovered.append((start, self._starts[index]))
            start = self._ends[index]
            index += 1
        if start < end:
            uncovered.append((start, end))
        return uncovered


def union(one: Cover, other: Cover) -> Cover:
    """Both covers in one. The larger is reused, so that merging up a tree costs O(n log n) in all."""
    larger, smaller = (one, other) if len(one) >= len(other) else (other, one)
    for start, end in smaller:
        larger.add(start, end)
    return larger
