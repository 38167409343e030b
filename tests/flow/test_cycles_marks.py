"""Hand-worked cycles: each mark's word, derivation and fallback, environments, tolerance, lifting.

Source: the design's table of marks. Tolerance is 2 ns and instants are small, unless a test says otherwise.
"""

from __future__ import annotations

import pytest
from tests.flow.build import SMALL, close, facts, mark, marks, parts, stage, wait

from cycletrace._internal.flow import Record
from cycletrace._internal.flow.rules import RULES

# --- in_use ---


def test_in_use_is_the_earliest_end_of_a_successful_activate() -> None:
    folded = facts(
        stage("activate", 0, 30, id="a"),
        stage("activate", 5, 20, "cached", id="b"),
        stage("activate", 6, 10, "error", id="c"),
    )
    assert folded["marks"]["in_use"] == 20
    assert folded["derived"] == ["started", "selected", "in_use"]


@pytest.mark.parametrize("outcome", ["error", "interrupted", "cancelled", "abandoned", "timeout", "lost"])
def test_only_ok_and_cached_make_a_mark(outcome: str) -> None:
    assert facts(stage("activate", 0, 10, outcome))["marks"]["in_use"] is None


def test_in_use_said_beats_derived_even_when_later_and_the_earliest_said_wins() -> None:
    folded = facts(stage("activate", 0, 10), mark("in_use", 50), mark("in_use", 40))
    assert marks(folded) == [0, None, 0, None, 40]
    assert folded["derived"] == ["started", "selected"]


# --- deployed ---


def test_deployed_is_the_latest_end_of_a_deploy_that_began_by_in_use() -> None:
    folded = facts(
        stage("deploy", 0, 10, id="a"),
        stage("deploy", 5, 15, id="b"),
        stage("deploy", 33, 35, id="after in_use"),
        mark("in_use", 30),
    )
    assert folded["marks"]["deployed"] == 15


def test_deployed_is_no_later_than_in_use() -> None:
    assert facts(stage("deploy", 0, 50), mark("in_use", 30))["marks"]["deployed"] == 30


def test_a_deploy_that_began_within_tolerance_of_in_use_counts_and_one_beyond_does_not() -> None:
    said = [mark("started", 0), mark("selected", 1), mark("in_use", 30)]
    assert marks(facts(stage("deploy", 32, 40), *said)) == [0, None, 1, 30, 30]
    assert marks(facts(stage("deploy", 33, 40), *said)) == [0, None, 1, None, 30]


def test_without_in_use_any_deploy_counts() -> None:
    assert facts(stage("deploy", 0, 10, id="a"), stage("deploy", 500, 510, id="b"))["marks"]["deployed"] == 510


def test_deployed_said_wins() -> None:
    folded = facts(stage("deploy", 0, 10), mark("deployed", 25), mark("deployed", 20))
    assert folded["marks"]["deployed"] == 20
    assert "deployed" not in folded["derived"]


# --- selected ---


def test_selected_is_the_latest_end_of_a_select_that_ended_by_deployed() -> None:
    folded = facts(
        stage("select", 0, 10, id="a"),
        stage("select", 0, 12, id="b"),
        stage("select", 15, 23, id="c"),
        stage("select", 15, 18, "error", id="d"),
        mark("deployed", 20),
        mark("in_use", 40),
    )
    assert folded["marks"]["selected"] == 12


def test_selected_goes_by_in_use_where_deployed_is_unknown() -> None:
    folded = facts(stage("select", 0, 10, id="a"), stage("select", 0, 43, id="b"), mark("in_use", 40))
    assert folded["marks"]["selected"] == 10


def test_selected_goes_by_any_select_where_neither_is_known() -> None:
    assert facts(stage("select", 0, 10, id="a"), stage("select", 0, 43, id="b"))["marks"]["selected"] == 43


def test_a_select_that_ended_within_tolerance_of_deployed_counts() -> None:
    folded = facts(stage("select", 0, 22), mark("deployed", 20))
    assert folded["marks"]["selected"] == 22
    assert folded["marks"]["deployed"] == 22
    assert folded["flags"] == {"skewed": 1}


def test_without_a_select_selected_is_the_earliest_start_of_a_deployment_stage_of_any_outcome() -> None:
    folded = facts(
        stage("train", 0, 10),
        stage("package", 14, 16),
        stage("test", 12, 13, "error"),
        stage("evaluate", 11, 12),
    )
    assert marks(folded) == [0, 10, 12, None, None]
    assert folded["derived"] == ["started", "trained", "selected"]


def test_a_deployment_stage_that_runs_still_makes_selected() -> None:
    assert facts(stage("train", 0, 10), stage("approve", 15))["marks"]["selected"] == 15


def test_a_select_that_failed_is_no_select() -> None:
    folded = facts(stage("train", 0, 10), stage("select", 10, 20, "error"), stage("deploy", 30, 40))
    assert folded["marks"]["selected"] == 30


def test_a_deployment_stage_counts_from_trained_on_with_tolerance() -> None:
    # 7 is more than 2 before 10, 8 is not; the mark at 8 is then lifted to 10.
    folded = facts(stage("train", 0, 10), stage("test", 7, 30, id="a"), stage("test", 8, 30, id="b"))
    assert folded["marks"]["selected"] == 10
    assert folded["flags"] == {"skewed": 1}
    assert facts(stage("train", 0, 10), stage("test", 7, 30))["marks"]["selected"] is None


def test_a_deployment_stage_counts_up_to_deployed_with_tolerance() -> None:
    late = facts(stage("train", 0, 10), stage("test", 23, 30), mark("deployed", 20))
    assert late["marks"]["selected"] == 10  # the fallback: trained
    near = facts(stage("train", 0, 10), stage("test", 22, 30), mark("deployed", 20))
    assert near["marks"]["selected"] == 22


def test_a_deployment_stage_goes_by_in_use_where_deployed_is_unknown() -> None:
    folded = facts(stage("train", 0, 10), stage("test", 43, 50), mark("in_use", 40))
    assert folded["marks"]["selected"] == 10


def test_a_deployment_stage_counts_where_trained_is_unknown() -> None:
    folded = facts(stage("data", 0, 10), stage("test", 5, 30), mark("in_use", 40))
    assert folded["marks"]["selected"] == 5


def test_a_deployment_stage_alone_selects_nothing() -> None:
    assert facts(stage("data", 0, 10), stage("test", 5, 30))["marks"]["selected"] is None
    assert facts(stage("train", 0, 4), stage("test", 5, 30))["marks"]["selected"] == 5


def test_selected_is_trained_once_deployed_or_in_use_is_known() -> None:
    assert marks(facts(stage("train", 0, 10), mark("deployed", 20))) == [0, 10, 10, 20, None]
    assert marks(facts(stage("train", 0, 10), mark("in_use", 20))) == [0, 10, 10, None, 20]
    assert marks(facts(stage("train", 0, 10))) == [0, 10, None, None, None]


def test_selected_said_wins() -> None:
    folded = facts(stage("select", 0, 10), mark("selected", 7), mark("selected", 6))
    assert folded["marks"]["selected"] == 6
    assert folded["derived"] == ["started"]


# --- trained ---


@pytest.mark.parametrize(
    "bound",
    [
        [mark("selected", 20)],
        [stage("select", 15, 20)],
        [mark("deployed", 20), mark("in_use", 50)],
        [mark("in_use", 20)],
    ],
    ids=["selected said", "selected made by a select", "deployed", "in_use"],
)
def test_trained_is_the_latest_end_of_a_train_that_ended_by_what_follows_it(bound: list[Record]) -> None:
    folded = facts(
        stage("train", 0, 5, id="a"),
        stage("train", 0, 10, id="b"),
        stage("train", 0, 15, "error", id="c"),
        stage("train", 0, 23, id="d"),
        *bound,
    )
    assert folded["marks"]["trained"] == 10
    assert folded["derived"][:2] == ["started", "trained"]


def test_a_train_that_ended_within_tolerance_of_selected_counts() -> None:
    folded = facts(stage("train", 0, 22), mark("selected", 20))
    assert marks(folded)[:3] == [0, 22, 22]


def test_trained_is_any_train_where_nothing_follows() -> None:
    assert facts(stage("train", 0, 5, id="a"), stage("train", 0, 23, id="b"))["marks"]["trained"] == 23


def test_selected_by_a_deployment_stage_does_not_bound_trained() -> None:
    # Retrained after a first test: trained is 30, and the test at 10 lies before it.
    folded = facts(
        stage("train", 0, 5, id="a"),
        stage("test", 10, 12, "error", id="t"),
        stage("train", 20, 30, id="b"),
        stage("test", 35, 37, id="u"),
    )
    assert marks(folded) == [0, 30, 35, None, None]


def test_deployed_bounds_trained_before_in_use_does() -> None:
    folded = facts(stage("train", 0, 30), mark("deployed", 20), mark("in_use", 50))
    assert folded["marks"]["trained"] is None


# --- started ---


def test_started_is_the_earliest_start_of_a_stage_or_wait() -> None:
    assert facts(stage("train", 5, 10), wait("data", 3, 4))["marks"]["started"] == 3
    assert facts(stage("train", 2, 10), wait("data", 3, 4))["marks"]["started"] == 2
    assert facts(stage("train", 2), wait("data", 1))["marks"]["started"] == 1
    assert facts(mark("trained", 10))["marks"]["started"] is None


def test_started_said_wins_even_when_later() -> None:
    folded = facts(stage("train", 5, 10), mark("started", 8), mark("started", 7))
    assert folded["marks"]["started"] == 7
    assert folded["derived"] == ["trained"]


def test_a_negative_stage_or_wait_makes_no_mark() -> None:
    folded = facts(
        stage("activate", 50, 40),
        stage("deploy", 30, 20),
        stage("select", 12, 11),
        stage("train", 9, 8),
        stage("test", 1, 0),
        wait("data", 3, 2),
    )
    assert marks(folded) == [None] * 5
    assert folded["derived"] == []
    assert folded["flags"] == {"negative_intervals": 6}


def test_a_stage_of_no_length_makes_marks() -> None:
    assert marks(facts(stage("train", 5, 5), stage("activate", 9, 9))) == [5, 5, 9, None, 9]


def test_a_name_is_not_a_kind() -> None:
    folded = facts(stage("fit", 0, 10, kind="train"), stage("train", 0, 20, kind="other"))
    assert folded["marks"]["trained"] == 10


# --- environments ---


@pytest.mark.parametrize("environment", [None, "", "production", "Prod", "LIVE"])
def test_production_and_no_name_make_deployed_and_in_use(environment: str | None) -> None:
    folded = facts(stage("deploy", 0, 10, environment=environment), stage("activate", 10, 20, environment=environment))
    assert marks(folded) == [0, None, 0, 10, 20]
    assert marks(facts(mark("deployed", 5, environment), mark("in_use", 6, environment)))[3:] == [5, 6]


def test_another_environment_makes_no_deployed_and_no_in_use() -> None:
    folded = facts(
        stage("deploy", 0, 10, environment="staging"),
        stage("activate", 10, 20, environment="staging"),
        mark("deployed", 15, "staging"),
        mark("in_use", 16, "staging"),
    )
    assert marks(folded) == [0, None, None, None, None]
    assert folded["outcome"] == "open"


def test_another_environment_makes_the_other_marks() -> None:
    folded = facts(
        mark("started", 1, "dev"),
        mark("trained", 2, "dev"),
        mark("selected", 3, "dev"),
        stage("train", 5, 6, environment="dev"),
    )
    assert marks(folded) == [1, 2, 3, None, None]
    folded = facts(stage("train", 0, 5, environment="dev"), stage("select", 5, 6, environment="dev"))
    assert marks(folded) == [0, 5, 6, None, None]


# --- tolerance on the nanosecond, lifting, order ---


SECOND = 1_000_000_000


@pytest.mark.parametrize(("excess", "trained"), [(0, 11 * SECOND), (1, None)])
def test_the_tolerance_is_one_second_to_the_nanosecond(excess: int, trained: int | None) -> None:
    folded = facts(
        stage("train", 0, 11 * SECOND + excess),
        mark("selected", 10 * SECOND),
        at=100 * SECOND,
        rules=RULES,
    )
    assert folded["marks"]["trained"] == trained
    assert folded["flags"] == ({"after_bound": 1} if excess else {"skewed": 1})


@pytest.mark.parametrize(
    ("selected", "lifted", "flags"),
    [
        (10, 10, {}),
        (9, 10, {"skewed": 1}),
        (8, 10, {"skewed": 1}),
        (7, 7, {"marks_out_of_order": 1, "parts_left_out": 1}),
    ],
)
def test_a_mark_up_to_the_tolerance_early_is_lifted(selected: int, lifted: int, flags: dict[str, int]) -> None:
    folded = facts(mark("started", 0), mark("trained", 10), mark("selected", selected))
    assert marks(folded) == [0, 10, lifted, None, None]
    assert folded["flags"] == flags


def test_marks_are_lifted_in_order_against_the_latest_before_them() -> None:
    # 5 is out of order and stays; 9 and 8 are within 2 of the latest before them, 10.
    folded = facts(
        mark("started", 10),
        mark("trained", 5),
        mark("selected", 9),
        mark("deployed", 8),
        mark("in_use", 11),
    )
    assert marks(folded) == [10, 5, 10, 10, 11]
    # training 10..5 is left out; selection 5..10, deployment 10..11 and activation 10..11 are not.
    assert folded["flags"] == {"skewed": 2, "marks_out_of_order": 1, "parts_left_out": 1}
    assert parts(folded) == [None, 5, 1, 1]


def test_a_lifted_mark_lifts_no_further_than_the_mark_before_it() -> None:
    # 10, 9, 8, 7, 6: 8 is 2 before 10 and lifted; 7 and 6 are more than 2 before 10, which stays the latest.
    folded = facts(*(mark(name, 10 - place) for place, name in enumerate(["started", "trained", "selected"])))
    assert marks(folded)[:3] == [10, 10, 10]
    folded = facts(mark("trained", 10), mark("selected", 8), mark("deployed", 7), mark("in_use", 6))
    assert marks(folded) == [None, 10, 10, 7, 6]
    assert folded["flags"] == {"skewed": 1, "marks_out_of_order": 2, "parts_left_out": 2}


def test_derivation_looks_at_marks_before_they_are_lifted() -> None:
    # in_use is lifted from 10 to 12, yet a deploy that began at 13 is more than 2 after what was said.
    folded = facts(mark("started", 0), mark("trained", 12), stage("deploy", 13, 20), mark("in_use", 10))
    assert marks(folded) == [0, 12, 12, None, 12]
    assert folded["flags"] == {"skewed": 1, "after_bound": 1}


def test_unknown_marks_are_no_obstacle() -> None:
    folded = facts(mark("in_use", 40), close("rolled_back", 60))
    assert marks(folded) == [None, None, None, None, 40]
    assert folded["flags"] == {}


# --- what ends after its bound ---


def test_a_deploy_that_ended_by_in_use_comes_before_one_that_began_by_it() -> None:
    """Regions deploy in parallel: the first use ends the deployment of the one that served it."""
    folded = facts(stage("deploy", 0, 10, id="eu"), stage("deploy", 5, 40, id="us"), mark("in_use", 20))
    assert folded["marks"]["deployed"] == 10
    assert folded["parts_ns"]["activation"] == 10
    only = facts(stage("deploy", 5, 40, id="us"), mark("in_use", 20))
    assert only["marks"]["deployed"] == 20
    assert only["flags"] == {}


def test_a_success_that_ended_after_its_bound_is_flagged() -> None:
    late = facts(stage("train", 0, 30), stage("select", 0, 40), mark("deployed", 20), mark("in_use", 25))
    assert late["marks"]["selected"] is None
    assert late["marks"]["trained"] is None
    assert late["flags"] == {"after_bound": 2}


def test_a_deploy_that_began_after_in_use_is_flagged() -> None:
    assert facts(mark("started", 0), stage("deploy", 30, 40), mark("in_use", 20))["flags"] == {"after_bound": 1}


def test_nothing_is_flagged_where_a_mark_was_declared_or_made_by_another_stage() -> None:
    folded = facts(
        stage("train", 0, 10),
        stage("train", 20, 60, id="again"),
        stage("select", 70, 80),
        mark("selected", 30),
        mark("in_use", 50),
    )
    assert folded["flags"] == {}
    assert folded["marks"]["trained"] == 10


def test_a_failure_after_the_bound_is_not_flagged() -> None:
    assert facts(stage("train", 0, 30, "error"), mark("selected", 20))["flags"] == {}


# --- names of production ---


def test_production_may_be_given_by_patterns() -> None:
    rules = SMALL._replace(production=frozenset({"prod*", "live"}))
    for environment in ("prod-eu", "PROD", "Live", None):
        assert facts(mark("in_use", 5, environment), rules=rules)["marks"]["in_use"] == 5
    for environment in ("preprod", "live-eu", "staging"):
        assert facts(mark("in_use", 5, environment), rules=rules)["marks"]["in_use"] is None


# --- waits after the end ---


def test_a_wait_that_was_opened_after_the_cycle_ended_makes_no_mark() -> None:
    folded = facts(mark("in_use", 20), wait("human", 50))
    assert folded["marks"]["started"] is None
    assert folded["waits"] == [{"id": "human", "reason": "human", "stage": None, "start": 50, "end": 20}]
    assert folded["flags"] == {"negative_intervals": 1, "unclosed_waits": 1}
    both = facts(mark("in_use", 20), wait("human", 50), wait("data", 5, 9))
    assert both["marks"]["started"] == 5
