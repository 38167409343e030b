"""When facts change by themselves, and from when on they hold for good.

Tolerance is 2 ns and the settle period 100 ns.
"""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.flow.build import SMALL, alias, beat, close, mark, of, stage, wait
from tests.flow.strategies import Example, examples
from tests.sizes import sized

from cycletrace._internal.flow import Facts, Record, fold
from cycletrace._internal.flow.rules import SECOND

LARGEST = 2**63 - 1


def times(*records: Record, at: int) -> tuple[int | None, int | None]:
    """``refold_at`` and ``final_from``."""
    return fold(records, at, SMALL)[1:]


@pytest.mark.parametrize(
    ("records", "at", "expected"),
    [
        ([], 10, (None, None)),
        ([stage("train", 0)], 10, (None, None)),  # it may run for ever
        ([stage("train", 0, 30)], 10, (30, None)),
        ([stage("train", 20, 30)], 10, (20, None)),
        ([stage("train", 0, 5), mark("in_use", 8)], 10, (None, 8)),
        ([stage("train", 0, 5), mark("in_use", 8), stage("test", 6, 9)], 10, (None, 9)),
        ([mark("in_use", 8), mark("in_use", 40)], 10, (40, None)),
        ([stage("deploy", 0, 5)], 10, (105, None)),
        ([stage("deploy", 0, 5), wait("data", 6, 9)], 10, (109, None)),
        ([stage("deploy", 0, 5)], 105, (None, 105)),
        ([stage("deploy", 0, 5), close("failed", 7)], 10, (None, 7)),
        ([stage("deploy", 0, 5), close("failed", 7), alias("other", 30)], 10, (30, None)),
        ([stage("train", 0, lease=3)], 10, (3 * SECOND + 1, None)),
        ([stage("train", 0, lease=3)], 3 * SECOND + 1, (None, None)),
        ([stage("train", 0, lease=3), beat("train", 5, 4)], 10, (4 * SECOND + 6, None)),
        ([stage("train", 0, lease=3), wait("data", 2, 8, stage="train")], 10, (3 * SECOND + 9, None)),
        ([stage("train", 0, lease=3), close("failed", 7)], 10, (None, 7)),
    ],
)
def test_times_of_one_cycle(records: list[Record], at: int, expected: tuple[int | None, int | None]) -> None:
    assert times(*records, at=at) == expected


def test_of_several_cycles_the_first_change_and_the_last_end() -> None:
    one, two, three = mark("in_use", 8, origin=of("a")), mark("in_use", 9, origin=of("b")), stage("deploy", 0, 5)
    assert times(one, two, at=10) == (None, 9)
    assert times(one, two, three, at=10) == (105, None)


def changeable(facts: list[Facts]) -> object:
    """What does not merely grow with the clock."""
    return [
        (one["cycle_id"], one["outcome"], one["marks"], [(run["id"], run["outcome"]) for run in one["stages"]])
        for one in facts
    ]


@settings(max_examples=sized(500), deadline=None)
@given(example=examples, dice=st.randoms(use_true_random=False))
def test_between_the_times_nothing_changes(example: Example, dice: random.Random) -> None:
    folded = fold(example.records, example.at, example.rules)
    last = LARGEST if folded.refold_at is None else folded.refold_at - 1
    assert last >= example.at
    for at in (dice.randint(example.at, max(example.at, min(last, LARGEST))), min(last, LARGEST)):
        assert changeable(fold(example.records, at, example.rules).facts) == changeable(folded.facts)
    if folded.final_from is not None:
        for at in (folded.final_from, dice.randint(folded.final_from, max(folded.final_from, LARGEST))):
            assert fold(example.records, at, example.rules).facts == folded.facts
