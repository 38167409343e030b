from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import stats
from tests.report.histories import DAY, HOUR, MINUTE, NOW, SECOND, Team, history

from cycletrace._internal.report import Report, build
from cycletrace._internal.report.trend import bootstrap_interval


@pytest.mark.parametrize(("n", "n_before"), [(40, 31), (7, 60), (24, 25)])
def test_the_interval_equals_that_of_scipys_bootstrap(n: int, n_before: int) -> None:
    rng = np.random.default_rng(n)
    now = np.sort((rng.lognormal(0, 0.7, n) * HOUR).astype(np.int64))
    before = np.sort((rng.lognormal(0.4, 0.7, n_before) * HOUR).astype(np.int64))

    def difference(one: Any, other: Any, axis: int) -> Any:
        return np.median(one, axis=axis) - np.median(other, axis=axis)

    reference = stats.bootstrap(
        (now, before), difference, n_resamples=9999, method="percentile", vectorized=True, random_state=rng
    ).confidence_interval
    low, high = bootstrap_interval(now, before)
    width = reference.high - reference.low
    assert low == pytest.approx(reference.low, abs=0.08 * width)
    assert high == pytest.approx(reference.high, abs=0.08 * width)


def test_a_million_cycles_take_no_longer_than_ten_and_the_interval_is_reproducible() -> None:
    lengths = np.arange(10**6, dtype=np.int64)
    first = bootstrap_interval(lengths, lengths + 5000)
    assert first == bootstrap_interval(lengths, lengths + 5000)
    assert first[0] < -5000 < first[1]


def finished(key: str, end: int, train: int) -> Team:
    team = Team(key, end - train - 2 * HOUR)
    team.wait("compute", HOUR)
    team.stage("train", train)
    team.stage("select", 30 * MINUTE)
    team.stage("activate", 30 * MINUTE)
    return team


def windows(now: list[int], before: list[int], window: str = "90d") -> Report:
    teams = [finished(f"n@{n}", NOW - DAY - n * HOUR, length) for n, length in enumerate(now)]
    teams += [finished(f"b@{n}", NOW - 100 * DAY - n * HOUR, length) for n, length in enumerate(before)]
    return build([team.facts() for team in teams], as_of=NOW, window=window)


def test_clearly_faster_cycles_are_recognised_and_explained_exactly() -> None:
    trend = windows([HOUR + n * SECOND for n in range(20)], [9 * HOUR + n * SECOND + 1 for n in range(17)]).trend
    assert trend.verdict == "faster than in the window before"
    assert trend.difference_ns is not None
    assert trend.high_ns is not None
    assert trend.high_ns < 0
    assert trend.mean_difference_ns == sum(row.difference_ns for row in trend.activities)
    assert trend.mean_difference_ns == sum(row.difference_ns for row in trend.stages)
    assert (trend.stages[0].stage, trend.activities[0].activity) == ("train", "work.automation")
    assert trend.stages[0].difference_ns == trend.mean_difference_ns


def test_clearly_slower_cycles_are_recognised() -> None:
    trend = windows([9 * HOUR + n * SECOND for n in range(20)], [HOUR + n * SECOND for n in range(17)]).trend
    assert trend.verdict == "slower than in the window before"


def test_an_interval_that_includes_0_is_not_conclusive() -> None:
    lengths = [(1 + n % 7) * HOUR for n in range(20)]
    trend = windows(lengths, lengths).trend
    assert trend.verdict == "not conclusive: the difference could be chance"
    assert trend.difference_ns == 0


def test_too_few_cycles_are_not_conclusive_and_the_verdict_has_the_number_needed() -> None:
    trend = windows([HOUR] * 5, [HOUR] * 30).trend
    assert trend.low_ns is None
    assert trend.verdict == (
        "not conclusive: a comparison takes 6 finished cycles in each of the two windows, and there are 5 and 30"
    )


def test_the_window_of_all_times_has_no_window_before() -> None:
    trend = windows([HOUR] * 8, [HOUR] * 8, window="all").trend
    assert (trend.n, trend.n_before, trend.difference_ns, trend.stages) == (16, 0, None, [])


def test_the_explanation_adds_up_in_histories() -> None:
    for seed in range(3):
        trend = build(history(400, seed), as_of=NOW).trend
        assert trend.mean_difference_ns == sum(row.difference_ns for row in trend.activities)
        assert trend.mean_difference_ns == sum(row.difference_ns for row in trend.stages)
