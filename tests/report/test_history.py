"""Cycles over time: every one is a point, and periods agree with the whole."""

from __future__ import annotations

import random
from zoneinfo import ZoneInfo

from tests.report.histories import DAY, HOUR, NOW, Team, history

from cycletrace._internal.report import build
from cycletrace._internal.report.history import MOST_POINTS


def test_every_cycle_of_the_window_is_a_point() -> None:
    found = build(history(200), as_of=NOW, window="90d")
    states = [point.state for point in found.history.points]
    counts = found.counts
    assert states.count("finished") == counts.finished
    assert states.count("open") == counts.open + counts.stale
    for outcome, n in counts.closed.items():
        assert states.count(outcome) == n
    assert found.history.points_in_all == len(states)


def test_the_periods_share_the_finished_cycles() -> None:
    for window, by in (("90d", "week"), ("200d", "month")):
        found = build(history(200), as_of=NOW, window=window, zone=ZoneInfo("Europe/Berlin"))
        assert found.history.by == by
        assert sum(period.median.n for period in found.history.periods) == found.headline.median.n
        assert all(period.begin < period.end for period in found.history.periods)
        assert all(period.begins.endswith("-01") for period in found.history.periods if by == "month")


def test_of_many_cycles_the_same_ones_are_points_in_whatever_order_they_come() -> None:
    facts = [facts for seed in range(3) for facts in history(1000, seed)]
    found = build(facts, as_of=NOW, window="all").history
    random.Random(1).shuffle(facts)
    assert build(facts, as_of=NOW, window="all").history == found
    assert len(found.points) == MOST_POINTS < found.points_in_all
    assert sum(period.median.n for period in found.periods) > MOST_POINTS


def test_a_cycle_that_closed_lies_where_it_closed() -> None:
    team = Team("m@1", NOW - 2 * DAY)
    team.stage("train", HOUR)
    team.close("failed")
    (point,) = build([team.facts()], as_of=NOW).history.points
    assert (point.state, point.at, point.time_ns) == ("failed", NOW - 2 * DAY + HOUR, HOUR)
