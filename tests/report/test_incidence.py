"""The curve of the cumulative incidence agrees with the attainment at each of its steps."""

from __future__ import annotations

import pytest
from tests.report.histories import DAY, HOUR, NOW, Team, history

from cycletrace._internal.flow import CycleTarget
from cycletrace._internal.report import build
from cycletrace._internal.report.incidence import MOST_STEPS


def test_each_step_is_the_attainment_of_a_target_of_that_length() -> None:
    facts = history(40)
    found = build(facts, as_of=NOW, window="all").incidence
    assert 3 < len(found.steps) == found.steps_in_all
    for step in found.steps:
        target = CycleTarget(found.part, step.length_ns)
        attained = build(facts, as_of=NOW, window="all", target=target).attainment
        assert (step.value, step.low, step.high) == pytest.approx((attained.value, attained.low, attained.high))


def test_the_end_and_what_competes_with_it_never_exceed_all() -> None:
    found = build(history(400), as_of=NOW, window="all").incidence
    assert len(found.steps) == MOST_STEPS < found.steps_in_all
    assert all(step.value + step.closed_without <= 1 + 1e-12 for step in found.steps)
    assert all(step.low <= step.value <= step.high for step in found.steps)
    assert found.longest_ns is not None
    assert found.steps[-1].length_ns <= found.longest_ns


def test_an_open_cycle_is_followed_and_makes_no_step() -> None:
    still = Team("m@1", NOW - DAY)
    still.stage("select", HOUR)
    found = build([still.facts()], as_of=NOW).incidence
    assert (found.n, found.steps, found.longest_ns) == (1, [], DAY - HOUR)
