from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lifelines import AalenJohansenFitter
from tests.report.histories import DAY, HOUR, MINUTE, NOW, Team
from tests.sizes import sized

from cycletrace._internal.flow import Facts
from cycletrace._internal.report import build
from cycletrace._internal.report.attainment import (
    CENSORED,
    COMPETING,
    REACHED,
    Attainment,
    aalen_johansen,
    cumulative_incidence,
)
from cycletrace._internal.report.proportions import wilson
from cycletrace._internal.report.sums import Codes, Int64s

STATUS = st.sampled_from([CENSORED, REACHED, COMPETING])


def arrays(rows: list[tuple[int, int]]) -> tuple[Int64s, Codes]:
    lengths = np.array([length for length, _ in rows], dtype=np.int64)
    return lengths, np.array([status for _, status in rows], dtype=np.int32)


# lifelines moves tied times at random, so what it is compared with has none.
UNTIED = st.lists(st.tuples(st.integers(1, 10**6), STATUS), min_size=2, max_size=60, unique_by=lambda row: row[0])


@settings(max_examples=sized(40), deadline=None)
@given(UNTIED.filter(lambda rows: any(status == REACHED for _, status in rows)), st.data())
def test_the_estimate_and_its_variance_equal_those_of_lifelines(
    rows: list[tuple[int, int]], data: st.DataObject
) -> None:
    lengths, status = arrays(rows)
    fitter = AalenJohansenFitter().fit(lengths, status, event_of_interest=REACHED)
    # Not the very last: with nobody left at risk lifelines divides by zero.
    until = data.draw(st.sampled_from(sorted(lengths.tolist())[:-1]))
    value, variance = aalen_johansen(lengths, status, until)
    assert value == pytest.approx(fitter.cumulative_density_["CIF_1"].loc[:until].iloc[-1])
    assert variance == pytest.approx(fitter.variance_.loc[:until].iloc[-1], abs=1e-12)


def test_worked_by_hand() -> None:
    """Six cycles: 1 reached, 2 reached and failed at one instant, 3 open, 4 reached, 5 open.

    S before 1: 1, F = 1/6. S before 2: 5/6, F += 5/6 x 1/5 = 1/6, S = 5/6 x 3/5 = 1/2. At 4 two are at risk:
    F += 1/2 x 1/2. In all 1/6 + 1/6 + 1/4 = 7/12.
    """
    rows = [(1, REACHED), (2, REACHED), (2, COMPETING), (3, CENSORED), (4, REACHED), (5, CENSORED)]
    assert cumulative_incidence(*arrays(rows), 4)[0] == pytest.approx(7 / 12)
    assert cumulative_incidence(*arrays(rows), 3)[0] == pytest.approx(1 / 3)
    assert cumulative_incidence(*arrays(rows), 0)[0] == 0


@given(st.lists(st.tuples(st.integers(1, 50), st.sampled_from([REACHED, COMPETING])), min_size=1, max_size=80))
def test_without_censoring_it_is_the_share_with_wilsons_interval(rows: list[tuple[int, int]]) -> None:
    lengths, status = arrays(rows)
    value, low, high = cumulative_incidence(lengths, status, 25)
    share = sum(length <= 25 and kind == REACHED for length, kind in rows) / len(rows)
    assert value == pytest.approx(share)
    assert (low, high) == pytest.approx(wilson(share, len(rows)), abs=1e-9)


@given(st.lists(st.tuples(st.integers(0, 50), STATUS), min_size=1, max_size=80), st.integers(0, 60))
def test_the_interval_encloses_the_estimate_and_lies_between_0_and_1(rows: list[tuple[int, int]], until: int) -> None:
    value, low, high = cumulative_incidence(*arrays(rows), until)
    assert 0 <= low <= value + 1e-12
    assert value <= high + 1e-12
    assert high <= 1


def test_cycles_censored_before_any_event_change_nothing() -> None:
    known = [(10, REACHED)] * 20 + [(10, COMPETING)] * 20
    without = cumulative_incidence(*arrays(known), within_ns=20)
    among = cumulative_incidence(*arrays([*known, *[(5, CENSORED)] * 40]), within_ns=20)
    assert among == pytest.approx(without)


def attained(facts: list[Facts], target: str) -> Attainment:
    return build(facts, as_of=NOW, target=target).attainment


def team(key: str, start: int = NOW - DAY) -> Team:
    made = Team(key, start)
    made.stage("train", HOUR)
    made.stage("select", MINUTE)
    return made


def test_a_deployment_target_counts_failed_and_open_cycles_that_were_selected() -> None:
    fast, slow, failed, still = (team(f"m@{n}") for n in range(4))
    fast.stage("deploy", 5 * MINUTE)
    fast.stage("activate", MINUTE)
    slow.stage("deploy", 3 * HOUR)
    slow.stage("activate", MINUTE)
    failed.stage("test", MINUTE, outcome="error")
    failed.close("failed")
    never_selected = Team("m@9", NOW - DAY)
    never_selected.stage("train", HOUR)
    recent = team("m@10", NOW - HOUR - 6 * MINUTE)
    facts = [one.facts() for one in (fast, slow, failed, still, never_selected, recent)]
    found = attained(facts, "deployment:15m")
    assert (found.n, found.reached_in_time, found.reached_late, found.closed_without) == (5, 1, 1, 1)
    assert (found.open_past_target, found.open_within_target) == (1, 1)
    # Five at risk; one reached at 6 min, one failed at 1 min; the one followed for 5 min is censored between:
    # S after 1 min is 4/5, three are at risk at 6 min.
    assert found.value == pytest.approx(4 / 5 * 1 / 3)
    assert found.naive == 1 / 2


def test_each_target_has_its_cohort_and_its_end() -> None:
    one = team("m@1")
    one.idle(HOUR)
    one.stage("deploy", MINUTE)
    one.idle(10 * MINUTE)
    one.stage("activate", MINUTE)
    facts = [one.facts()]
    for target, value in (
        ("training:60m", 1),
        ("training:59m", 0),
        ("selection:1m", 1),
        ("selection:59s", 0),
        ("deployment:72m", 1),
        ("deployment:71m", 0),
        ("activation:11m", 1),
        ("activation:10m", 0),
        ("cycle:133m", 1),
        ("cycle:132m", 0),
    ):
        assert attained(facts, target).value == value, target


def test_a_cycle_belongs_to_the_window_in_which_it_began_the_part() -> None:
    begun_before = team("m@1", NOW - 91 * DAY)
    begun_before.idle(5 * DAY)
    begun_before.stage("deploy", MINUTE)
    begun_before.stage("activate", MINUTE)
    found = build([begun_before.facts()], as_of=NOW)
    assert (found.attainment.n, found.headline.median.n) == (0, 1)
    assert (found.attainment.value, found.attainment.naive) == (None, None)


def test_a_settled_deployment_without_a_known_use_counts_for_deployment_but_not_for_activation() -> None:
    one = team("m@1", NOW - 10 * DAY)
    one.stage("deploy", MINUTE)
    facts = [one.facts()]
    assert facts[0]["outcome"] == "deployed"
    assert attained(facts, "deployment:15m").value == 1
    found = attained(facts, "activation:15m")
    assert (found.n, found.left_out) == (0, 1)


def test_a_cycle_closed_at_an_unknown_instant_competes_and_one_in_wrong_order_is_left_out() -> None:
    ended = Team("m@1", NOW - DAY)
    ended.mark("selected")
    ended.close("failed")
    assert ended.facts()["cycle_time_ns"] is None
    found = attained([ended.facts()], "deployment:15m")
    assert (found.n, found.closed_without, found.value) == (1, 1, 0)
    wrong = Team("m@2", NOW - DAY)
    wrong.mark("in_use")
    wrong.idle(HOUR)
    wrong.mark("selected")
    found = attained([wrong.facts()], "deployment:15m")
    assert (found.n, found.left_out) == (0, 1)


def test_nothing_is_known_beyond_the_longest_follow_up() -> None:
    """A share that only changes because cycles began is none: not 29 % instead of 67 %, but unknown."""
    done, first, second = (team(f"m@{n}", NOW - 2 * HOUR) for n in range(3))
    done.stage("deploy", MINUTE)
    done.stage("activate", MINUTE)
    found = attained([one.facts() for one in (done, first, second)], "deployment:7d")
    assert (found.n, found.value, found.low, found.high) == (3, None, None, None)
    assert found.reason == "no cycle has been followed for as long as the target yet"
    assert (found.reached_in_time, found.open_within_target) == (1, 2)


def test_the_share_is_known_once_the_fate_of_all_is() -> None:
    done, failed = (team(f"m@{n}", NOW - 2 * HOUR) for n in range(2))
    done.stage("deploy", MINUTE)
    done.stage("activate", MINUTE)
    failed.close("failed")
    found = attained([done.facts(), failed.facts()], "deployment:7d")
    assert (found.value, found.reason) == (0.5, None)


def test_the_share_is_known_once_one_cycle_was_followed_for_long_enough() -> None:
    old, new = team("m@1", NOW - 8 * DAY), team("m@2", NOW - 2 * HOUR)
    found = attained([old.facts(), new.facts()], "deployment:7d")
    assert (found.n, found.value, found.reason) == (2, 0.0, None)


def test_of_no_cycle_nothing_is_known() -> None:
    assert attained([], "deployment:7d").reason == "no cycle reached selected in the window"
