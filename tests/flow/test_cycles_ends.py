"""Hand-worked cycles: begins and ends that separate commands recorded, and waits of which only the sum is known."""

from __future__ import annotations

from tests.flow.build import (
    activities,
    begin,
    end,
    end_wait,
    facts,
    mark,
    owners,
    runs,
    stage,
    wait,
    waits,
)

MINUTE = 60
HOUR = 60 * MINUTE


def test_an_end_ends_the_begin_of_its_name() -> None:
    folded = facts(begin("deploy", 10, "b1"), end("deploy", 30))
    assert runs(folded) == [("b1", "ok", 10, 30)]
    assert folded["marks"]["deployed"] == 30
    assert folded["flags"] == {}


def test_a_job_that_is_run_again_is_two_runs() -> None:
    """A failed deployment at 10:00, its repetition at 14:00, by the same two commands on other machines."""
    folded = facts(
        begin("deploy", 10 * HOUR, "b1"),
        end("deploy", 10 * HOUR + 10 * MINUTE, "error"),
        begin("deploy", 14 * HOUR, "b2"),
        end("deploy", 14 * HOUR + 10 * MINUTE),
        mark("in_use", 14 * HOUR + 12 * MINUTE),
        at=20 * HOUR,
    )
    assert folded["cycle_time_ns"] == 252 * MINUTE
    assert [(run["attempt"], run["outcome"]) for run in folded["stages"]] == [(1, "error"), (2, "ok")]
    assert folded["marks"]["deployed"] == 14 * HOUR + 10 * MINUTE


def test_order_of_arrival_and_repetition_change_nothing() -> None:
    records = [begin("deploy", 10, "b1"), end("deploy", 20, "error"), begin("deploy", 30, "b2"), end("deploy", 40)]
    assert facts(*reversed(records)) == facts(*records) == facts(*records, *records)


def test_an_end_takes_the_latest_begin_before_it() -> None:
    """The first begin was killed: nothing ends it, so it is lost once the cycle is over."""
    folded = facts(begin("deploy", 10, "b1"), begin("deploy", 20, "b2"), end("deploy", 30), mark("in_use", 40))
    assert runs(folded) == [("b1", "lost", 10, 10), ("b2", "ok", 20, 30)]


def test_parallel_runs_of_one_name_are_all_ended() -> None:
    folded = facts(
        *(begin("test", 10 + number, f"b{number}") for number in range(3)),
        *(end("test", 50 + number) for number in range(3)),
    )
    assert runs(folded) == [("b0", "ok", 10, 52), ("b1", "ok", 11, 51), ("b2", "ok", 12, 50)]


def test_an_end_of_an_attempt_means_that_attempt() -> None:
    """An attempt is as facts count it: as given, else the place among the runs of the name."""
    folded = facts(begin("deploy", 10, "b1"), begin("deploy", 20, "b2"), end("deploy", 30, attempt=1), at=60)
    assert runs(folded) == [("b1", "ok", 10, 30), ("b2", None, 20, None)]
    given = facts(begin("deploy", 10, "b1", attempt=7), begin("deploy", 20, "b2"), end("deploy", 30, attempt=7))
    assert runs(given)[0] == ("b1", "ok", 10, 30)
    assert facts(begin("deploy", 10, "b1"), end("deploy", 30, attempt=3))["flags"] == {"unmatched_ends": 1}


def test_an_end_of_an_environment_means_a_begin_of_it() -> None:
    folded = facts(
        begin("deploy", 10, "b1", environment="eu"),
        begin("deploy", 20, "b2", environment="us"),
        end("deploy", 30, environment="eu"),
    )
    assert runs(folded) == [("b1", "ok", 10, 30), ("b2", None, 20, None)]
    assert facts(begin("deploy", 10, "b1"), end("deploy", 30, environment="eu"))["flags"] == {"unmatched_ends": 1}


def test_an_end_that_finds_nothing_is_counted() -> None:
    folded = facts(end("deploy", 30), mark("in_use", 40))
    assert folded["stages"] == []
    assert folded["flags"] == {"unmatched_ends": 1}
    assert facts(begin("test", 10, "b1"), end("deploy", 30))["flags"] == {"unmatched_ends": 1}


def test_clocks_may_differ_by_the_tolerance() -> None:
    folded = facts(begin("deploy", 12, "b1"), end("deploy", 10))
    assert runs(folded) == [("b1", "ok", 12, 12)]
    assert facts(begin("deploy", 13, "b1"), end("deploy", 10))["flags"] == {"unmatched_ends": 1}


def test_an_end_before_its_begin_comes_after_every_end_that_fits() -> None:
    folded = facts(begin("deploy", 12, "b1"), end("deploy", 11, "error"), end("deploy", 20))
    assert runs(folded) == [("b1", "ok", 12, 20)]
    assert folded["flags"] == {"unmatched_ends": 1}


def test_a_begin_that_a_run_ended_takes_no_end() -> None:
    folded = facts(begin("deploy", 10, "b1"), stage("deploy", 10, 20, id="b1"), end("deploy", 30, "error"))
    assert runs(folded) == [("b1", "ok", 10, 20)]
    assert folded["flags"] == {"unmatched_ends": 1}


def test_a_lost_run_gives_way_to_an_end() -> None:
    folded = facts(begin("deploy", 10, "b1"), stage("deploy", 10, 12, "lost", id="b1"), end("deploy", 30))
    assert runs(folded) == [("b1", "ok", 10, 30)]


def test_a_start_that_is_no_begin_takes_no_end() -> None:
    assert facts(stage("deploy", 10, id="running"), end("deploy", 30))["flags"] == {"unmatched_ends": 1}


def test_an_end_gives_its_mechanism() -> None:
    folded = facts(begin("activate", 10, "b1"), end("activate", 20, mechanism="flag"))
    assert [run["mechanism"] for run in folded["stages"]] == ["flag"]


def test_an_end_that_is_not_known_yet_ends_nothing() -> None:
    records = begin("deploy", 10, "b1"), end("deploy", 30)
    assert runs(facts(*records, at=29)) == [("b1", None, 10, None)]
    assert runs(facts(*records, at=30)) == [("b1", "ok", 10, 30)]


def test_waits_are_begun_and_ended_alike() -> None:
    folded = facts(
        wait("human", 10, id="w1", is_begin=True),
        end_wait("human", 20),
        wait("human", 30, id="w2", is_begin=True),
        end_wait("human", 45),
        end_wait("data", 50),
    )
    assert waits(folded) == [("w1", None, 10, 20), ("w2", None, 30, 45)]
    assert folded["flags"] == {"unmatched_ends": 1}


def test_an_end_of_a_wait_ends_no_stage() -> None:
    assert facts(begin("human", 10, "b1"), end_wait("human", 20))["flags"] == {"unmatched_ends": 1}


def test_an_end_of_a_stage_ends_no_wait() -> None:
    folded = facts(wait("human", 10, is_begin=True), end("human", 20), at=30)
    assert waits(folded) == [("human", None, 10, None)]
    assert folded["flags"] == {"unmatched_ends": 1}


def test_a_wait_that_is_no_begin_takes_no_end() -> None:
    folded = facts(wait("human", 10), end_wait("human", 20), at=30)
    assert waits(folded) == [("human", None, 10, None)]
    assert folded["flags"] == {"unmatched_ends": 1}


# --- summed waits ---


def test_a_summed_wait_lies_at_the_start_of_its_stage() -> None:
    folded = facts(
        stage("train", 0, 100),
        wait("data", 60, 80, stage="train", is_summed=True),
        mark("in_use", 100),
    )
    assert owners(folded) == [("train", "wait.data", 0, 20), ("train", "work.automation", 20, 100)]
    assert waits(folded) == [("data", "train", 60, 80)]  # listed as it was sent


def test_summed_waits_of_one_reason_add_up_and_reasons_follow_one_another() -> None:
    folded = facts(
        stage("train", 0, 100),
        wait("compute", 90, 100, stage="train", is_summed=True),
        wait("data", 60, 80, stage="train", id="one", is_summed=True),
        wait("data", 60, 65, stage="train", id="two", is_summed=True),
        mark("in_use", 100),
    )
    assert owners(folded) == [
        ("train", "wait.data", 0, 25),
        ("train", "wait.compute", 25, 35),
        ("train", "work.automation", 35, 100),
    ]


def test_summed_waits_are_cut_at_the_end_of_their_stage() -> None:
    """Four loaders may together wait longer than the stage lasts."""
    folded = facts(stage("train", 50, 60), wait("data", 0, 40, stage="train", is_summed=True), mark("in_use", 60))
    assert activities(folded) == {"wait.data": 10}
    assert folded["marks"]["started"] == 50
