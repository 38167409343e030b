"""A cycle of ten thousand stages is right whatever its shape, and its cost grows with n log n.

Cost is counted, not timed: lines of the fold that were executed. Doubling n doubles them and a little more;
what is quadratic would fourfold them.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from tests.flow import reference
from tests.flow.build import SMALL, activities, facts, of
from tests.flow.shapes import SHAPES, Large

from cycletrace._internal.flow import Alias, Record, Rules, facts_of

by_shape = pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.__name__)


@by_shape
def test_ten_thousand_stages_are_right(shape: Callable[[int], Large]) -> None:
    large = shape(10_000)
    folded = facts(*large.records, at=large.at)
    assert activities(folded) == large.activities
    assert len(folded["owners"]) == large.owners
    assert folded["cycle_time_ns"] == sum(large.activities.values())


@by_shape
def test_a_small_one_of_the_shape_equals_the_reference(shape: Callable[[int], Large]) -> None:
    large = shape(12)
    assert facts_of(large.records, large.at, SMALL) == reference.facts_of(large.records, large.at, SMALL)


@by_shape
def test_twice_as_many_cost_little_more_than_twice(shape: Callable[[int], Large]) -> None:
    small, large = shape(300), shape(600)
    assert lines_of(large.records, large.at, SMALL) < 2.5 * lines_of(small.records, small.at, SMALL)


def chain(n: int) -> list[Alias]:
    """Each cycle claims the one before."""
    return [Alias(of(f"c{i + 1:06}"), "key", f"c{i:06}", i) for i in range(n)]


def loop(n: int) -> list[Alias]:
    """Each cycle claims the one before, and the first one the last."""
    return [*chain(n), Alias(of("c000000"), "key", f"c{n:06}", n)]


@pytest.mark.parametrize("claims", [chain, loop])
def test_ten_thousand_claims_make_one_cycle(claims: Callable[[int], list[Alias]]) -> None:
    (folded,) = facts_of(claims(10_000), 20_000, SMALL)
    assert folded["cycle_id"] == ("c010000" if claims is chain else "c000000")


@pytest.mark.parametrize("claims", [chain, loop])
def test_twice_as_many_claims_cost_little_more_than_twice(claims: Callable[[int], list[Alias]]) -> None:
    assert lines_of([*claims(600)], 1000, SMALL) < 2.5 * lines_of([*claims(300)], 1000, SMALL)


def test_the_count_sees_what_is_not() -> None:
    """The counting itself: the slow reference costs far more than twice as much."""
    small, large = SHAPES[0](10), SHAPES[0](20)
    slow = reference.facts_of
    assert lines_of(large.records, large.at, SMALL, slow) > 3.3 * lines_of(small.records, small.at, SMALL, slow)


def lines_of(
    records: list[Record], at: int, rules: Rules, fold: Callable[[list[Record], int, Rules], object] = facts_of
) -> int:
    """How many lines of the fold's own folder are executed for the facts of these records."""
    folder = str(Path(inspect.getfile(fold)).parent)
    count = 0

    def on_line(frame: FrameType, event: str, argument: Any) -> Any:
        nonlocal count
        count += event == "line"
        return on_line

    def on_call(frame: FrameType, event: str, argument: Any) -> Any:
        return on_line if frame.f_code.co_filename.startswith(folder) else None

    before = sys.gettrace()
    sys.settrace(on_call)
    try:
        fold(records, at, rules)
    finally:
        sys.settrace(before)
    return count
