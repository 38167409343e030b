"""Hand-worked cycles: the rules that every reader of facts shares."""

from __future__ import annotations

import pytest
from tests.flow.build import SMALL, close, facts, mark, of, stage, wait

from cycletrace._internal.flow import (
    CycleTarget,
    Record,
    finish,
    fold,
    hands_free,
    is_counted,
    is_manual,
    is_over,
    met_target,
)
from cycletrace._internal.flow.rules import SECOND


@pytest.mark.parametrize(
    ("name", "actor", "launch", "expected"),
    [
        ("train", "human", "ci", True),
        ("deploy", "automation", "terminal", True),
        ("test", "automation", "notebook", True),
        ("train", "automation", "terminal", False),
        ("evaluate", "automation", "notebook", False),
        ("deploy", "automation", "ci", False),
        ("other", "automation", "terminal", False),
    ],
)
def test_a_person_or_deploying_from_a_terminal_or_notebook_is_manual(
    name: str, actor: str, launch: str, expected: bool
) -> None:
    (run,) = facts(stage(name, 10, 20, actor=actor, launch=launch))["stages"]
    assert is_manual(run) is expected


def test_an_implicit_cycle_counts_once_something_is_selected() -> None:
    implicit = of(implicit=True)
    train = stage("train", 10, 20, origin=implicit)
    assert is_counted(facts(train)) is False
    assert is_counted(facts(train, stage("select", 20, 30, origin=implicit)))
    assert is_counted(facts(stage("train", 10, 20)))
    assert is_counted(facts(train, mark("selected", 20, origin=implicit)))
    assert is_counted(facts(mark("deployed", 20, origin=implicit)))
    assert is_counted(facts(mark("in_use", 20, origin=implicit)))


def test_a_select_of_no_length_selects_and_one_that_ends_before_it_starts_does_not() -> None:
    implicit = of(implicit=True)
    rest = [stage("train", 10, 20, origin=implicit), stage("test", 30, 40, origin=implicit)]
    assert is_counted(facts(*rest, stage("select", 25, 25, origin=implicit)))
    negative = facts(*rest, stage("select", 28, 22, origin=implicit))
    assert negative["marks"]["selected"] == 30
    assert not is_counted(negative)


def test_an_implicit_cycle_that_was_closed_is_not_over_by_itself() -> None:
    implicit = of(implicit=True)
    train = stage("train", 10, 20, origin=implicit)
    assert is_over(facts(train))
    assert not is_over(facts(train, close("failed", 30, origin=implicit)))


@pytest.mark.parametrize("name", ["test", "package", "approve", "deploy"])
def test_an_implicit_cycle_does_not_count_for_a_stage_of_deployment(name: str) -> None:
    implicit = of(implicit=True)
    folded = facts(
        stage("train", 10, 20, origin=implicit),
        stage("select", 20, 30, "error", origin=implicit),
        stage(name, 30, 40, "error", origin=implicit),
    )
    assert folded["marks"]["selected"] == 30
    assert not is_counted(folded)


def test_an_implicit_cycle_that_counts_nowhere_lasts_to_its_latest_instant() -> None:
    implicit = of(implicit=True)
    train = stage("train", 10, 20, origin=implicit)
    folded = facts(train, wait("human", 15, 18, origin=implicit), at=1000)
    assert is_over(folded)
    assert folded["outcome"] == "open"
    assert folded["cycle_time_ns"] == 10
    waiting = facts(train, wait("human", 30, origin=implicit), at=1000)  # an open wait does not run
    assert waiting["cycle_time_ns"] == 20
    running = facts(train, stage("test", 30, origin=implicit), at=1000)
    assert not is_over(running)
    assert running["cycle_time_ns"] == 990
    counted = facts(train, stage("select", 20, 30, origin=implicit), at=1000)
    assert not is_over(counted)
    assert counted["cycle_time_ns"] == 990
    named = facts(stage("train", 10, 20), at=1000)
    assert not is_over(named)
    assert named["cycle_time_ns"] == 990


def test_an_implicit_cycle_that_counts_nowhere_is_final_once_nothing_in_it_can_change() -> None:
    implicit = of(implicit=True)
    train = stage("train", 10, 20, origin=implicit)
    assert fold([train], 1000, SMALL).final_from == 20
    silent = stage("test", 30, lease=1, origin=implicit)
    lost_from = 30 + SECOND + 1
    assert fold([train, silent], lost_from - 1, SMALL).final_from is None
    assert fold([train, silent], lost_from + 5, SMALL).final_from == lost_from


DEPLOYED = [stage("train", 10, 20), stage("select", 20, 30), stage("deploy", 40, 50)]


def test_a_cycle_finishes_in_use_or_settled_as_deployed() -> None:
    assert finish(facts(*DEPLOYED, at=60)) is None
    assert finish(facts(*DEPLOYED, at=1000)) == 50
    assert finish(facts(*DEPLOYED, mark("in_use", 70), at=80)) == 70
    assert finish(facts(*DEPLOYED, mark("in_use", 70), close("rolled_back", 90), at=100)) == 70
    assert finish(facts(*DEPLOYED, close("failed", 60), at=1000)) is None


def free(*records: Record) -> bool | None:
    return hands_free(facts(*records, at=1000))


def test_hands_free_is_a_finished_cycle_without_a_manual_step_after_selected() -> None:
    by_hand = stage("approve", 20, 30, actor="human", id="early")
    assert free(*DEPLOYED) is True
    assert free(by_hand, *DEPLOYED) is True
    assert free(*DEPLOYED, stage("approve", 30, 35, actor="human")) is False
    assert free(*DEPLOYED, stage("approve", 49, 60, actor="human"), mark("in_use", 70)) is False
    assert free(*DEPLOYED, mark("in_use", 70), stage("approve", 70, 75, actor="human")) is True


def test_whether_an_unfinished_or_unselected_cycle_is_hands_free_is_unknown() -> None:
    assert free(*DEPLOYED[:2], close("failed", 60)) is None
    assert free(stage("train", 10, 20)) is None
    assert free(mark("in_use", 70), stage("train", 80, 90)) is None


@pytest.mark.parametrize(
    ("part", "length"), [("cycle", 60), ("training", 10), ("selection", 10), ("deployment", 40), ("activation", 20)]
)
def test_a_target_is_met_by_a_part_that_takes_no_longer(part: str, length: int) -> None:
    whole = facts(*DEPLOYED, mark("in_use", 70), at=80)
    assert met_target(whole, CycleTarget(part, length))
    assert not met_target(whole, CycleTarget(part, length - 1))


def test_a_cycle_that_ended_before_the_end_of_the_part_missed_the_target() -> None:
    failed = facts(*DEPLOYED[:2], close("failed", 40), at=80)
    assert failed["cycle_time_ns"] == 30
    assert not met_target(failed, CycleTarget("cycle", 30))
    assert not met_target(failed, CycleTarget("deployment", 30))
    assert met_target(failed, CycleTarget("training", 10))
