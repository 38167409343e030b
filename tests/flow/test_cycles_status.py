"""Hand-worked cycles: where an open cycle stands."""

from __future__ import annotations

from tests.flow.build import facts, mark, stage, wait

from cycletrace._internal.flow import Record, Status, status
from cycletrace._internal.flow.status import FAILURES


def status_of(*records: Record) -> Status:
    return status(facts(*records, at=100))


def test_a_cycle_that_waits_stands_at_the_wait_that_began_last() -> None:
    waits = [wait("human", 30), wait("compute", 40, stage="train"), wait("data", 50, 60)]
    assert status_of(stage("train", 20), *waits) == Status("waiting", "compute", 40)
    assert status_of(wait("human", 10), stage("train", 20)) == Status("waiting", "human", 10)


def test_a_cycle_that_runs_stands_at_the_stage_that_began_last() -> None:
    stages = [stage("data", 5), stage("train", 10), stage("test", 50, 60)]
    assert status_of(*stages, wait("human", 0, 3)) == Status("running", "train", 10)


def test_an_idle_cycle_stands_after_what_ended_last() -> None:
    assert status_of(stage("train", 10, 70), stage("test", 50, 60)) == Status("idle after", "train", 70)


def test_of_a_cycle_without_stages_nothing_is_known() -> None:
    assert status_of(mark("trained", 10)) == Status("idle after", None, None)


def test_a_cycle_whose_last_stage_failed_says_how() -> None:
    lost = stage("test", 80, 90, outcome="lost")
    assert status_of(stage("train", 10, 70), lost) == Status("idle after", "test", 90, "lost")
    assert status_of(lost, stage("train", 10, 95)) == Status("idle after", "train", 95)


def test_every_outcome_that_is_no_success_has_its_words() -> None:
    assert {outcome: f"train {words}" for outcome, words in FAILURES.items()} == {
        "error": "train failed",
        "timeout": "train timed out",
        "interrupted": "train was interrupted",
        "cancelled": "train was cancelled",
        "abandoned": "train was abandoned",
        "lost": "train was lost",
    }
