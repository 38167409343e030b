"""A union of half-open intervals: what touches is one, and only what has a length is a gap."""

from __future__ import annotations

from itertools import permutations

import pytest

from cycletrace._internal.flow.intervals import Cover, union

Intervals = list[tuple[int, int]]


def cover(*intervals: tuple[int, int]) -> Cover:
    made = Cover()
    for start, end in intervals:
        made.add(start, end)
    return made


@pytest.mark.parametrize(
    ("added", "covered"),
    [
        ([], []),
        ([(5, 5), (7, 6)], []),
        ([(1, 3), (5, 7)], [(1, 3), (5, 7)]),
        ([(1, 3), (3, 7)], [(1, 7)]),
        ([(1, 4), (3, 7)], [(1, 7)]),
        ([(1, 9), (3, 7)], [(1, 9)]),
        ([(1, 2), (4, 5), (7, 8)], [(1, 2), (4, 5), (7, 8)]),
        ([(1, 2), (4, 5), (2, 4)], [(1, 5)]),
        ([(1, 3), (4, 5), (7, 9), (2, 8)], [(1, 9)]),
        ([(1, 2), (8, 9), (4, 5), (3, 6)], [(1, 2), (3, 6), (8, 9)]),
    ],
)
def test_what_is_covered_does_not_depend_on_order(added: Intervals, covered: Intervals) -> None:
    for order in permutations(added):
        assert list(cover(*order)) == covered
        assert len(cover(*order)) == len(covered)


@pytest.mark.parametrize(
    ("start", "end", "gaps"),
    [
        (0, 30, [(0, 5), (10, 15), (20, 30)]),
        (5, 20, [(10, 15)]),
        (6, 19, [(10, 15)]),
        (10, 15, [(10, 15)]),
        (10, 16, [(10, 15)]),
        (9, 15, [(10, 15)]),
        (11, 14, [(11, 14)]),
        (5, 10, []),
        (6, 9, []),
        (0, 5, [(0, 5)]),
        (20, 25, [(20, 25)]),
        (7, 7, []),
        (12, 12, []),
    ],
)
def test_gaps_are_what_is_not_covered(start: int, end: int, gaps: Intervals) -> None:
    assert cover((5, 10), (15, 20)).gaps(start, end) == gaps


def test_a_union_covers_both() -> None:
    assert list(union(cover((1, 2), (5, 6)), cover((2, 4)))) == [(1, 4), (5, 6)]
    assert list(union(cover((2, 4)), cover((1, 2), (5, 6)))) == [(1, 4), (5, 6)]
    assert list(union(cover(), cover())) == []
