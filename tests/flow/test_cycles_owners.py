"""Hand-worked cycles: one owner per instant (rule 7), activities (rule 8), nothing negative (rule 9)."""

from __future__ import annotations

from tests.flow.build import close, facts, mark, owners, stage, stages, wait

from cycletrace.conventions import ACTIVITIES

AUTOMATION = "work.automation"
HUMAN = "work.human"

# --- one after the other ---


def test_stages_own_what_they_work_and_nobody_owns_the_rest() -> None:
    folded = facts(stage("data", 0, 10), stage("approve", 15, 20, actor="human"), close("failed", 30))
    assert folded["owners"] == [
        {"stage": "data", "kind": "data", "activity": AUTOMATION, "start": 0, "end": 10},
        {"stage": None, "kind": None, "activity": "unexplained", "start": 10, "end": 15},
        {"stage": "approve", "kind": "approve", "activity": HUMAN, "start": 15, "end": 20},
        {"stage": None, "kind": None, "activity": "unexplained", "start": 20, "end": 30},
    ]
    assert folded["activity_ns"] == {
        "work.automation": 10,
        "work.human": 5,
        "wait.human": 0,
        "wait.data": 0,
        "wait.compute": 0,
        "wait.schedule": 0,
        "wait.external": 0,
        "unexplained": 15,
    }
    assert tuple(folded["activity_ns"]) == ACTIVITIES


def test_an_owner_has_a_name_and_a_kind_but_no_id() -> None:
    folded = facts(stage("fit", 0, 10, id="1f", kind="train"), close("failed", 10))
    assert folded["owners"] == [{"stage": "fit", "kind": "train", "activity": AUTOMATION, "start": 0, "end": 10}]


def test_neighbours_alike_in_stage_kind_and_activity_are_one() -> None:
    folded = facts(stage("data", 0, 10, id="a"), stage("data", 10, 20, id="b"), close("failed", 20))
    assert owners(folded) == [("data", AUTOMATION, 0, 20)]


def test_neighbours_that_differ_in_kind_or_activity_or_name_stay_apart() -> None:
    folded = facts(
        stage("data", 0, 10),
        stage("data", 10, 20, id="a", kind="other"),
        stage("data", 20, 30, id="b", kind="other", actor="human"),
        stage("prepare", 30, 40, id="c", kind="other", actor="human"),
        close("failed", 40),
    )
    assert [(owner["kind"], *row) for owner, row in zip(folded["owners"], owners(folded), strict=True)] == [
        ("data", "data", AUTOMATION, 0, 10),
        ("other", "data", AUTOMATION, 10, 20),
        ("other", "data", HUMAN, 20, 30),
        ("other", "prepare", HUMAN, 30, 40),
    ]


def test_the_sweep_takes_what_reaches_furthest_and_goes_on_from_its_start() -> None:
    folded = facts(*stages([("data", 0, 12), ("train", 5, 20), ("test", 7, 15)]), close("failed", 20))
    assert owners(folded) == [("data", AUTOMATION, 0, 5), ("train", AUTOMATION, 5, 20)]


def test_reach_is_clipped_to_where_the_sweep_stands() -> None:
    # From train's start, 10, data (to 12) and test (to 11) both reach 10: test ends soonest.
    folded = facts(*stages([("data", 0, 12), ("test", 3, 11), ("train", 10, 20)]), close("failed", 20))
    assert owners(folded) == [("data", AUTOMATION, 0, 3), ("test", AUTOMATION, 3, 10), ("train", AUTOMATION, 10, 20)]


def test_a_piece_that_began_at_t_is_not_before_it() -> None:
    folded = facts(*stages([("data", 0, 10), ("train", 10, 30)]), close("failed", 10))
    assert owners(folded) == [("data", AUTOMATION, 0, 10)]


def test_owners_end_with_the_cycle() -> None:
    folded = facts(*stages([("data", 0, 50), ("train", 40, 60)]), close("failed", 30))
    assert owners(folded) == [("data", AUTOMATION, 0, 30)]


def test_owners_begin_at_started() -> None:
    folded = facts(*stages([("data", 0, 5), ("train", 10, 40)]), mark("started", 20), close("failed", 50))
    assert owners(folded) == [("train", AUTOMATION, 20, 40), (None, "unexplained", 40, 50)]


def test_what_reaches_no_further_than_started_owns_nothing() -> None:
    folded = facts(stage("data", 0, 5), mark("started", 20), close("failed", 50))
    assert owners(folded) == [(None, "unexplained", 20, 50)]
    folded = facts(*stages([("data", 0, 20), ("train", 30, 40)]), mark("started", 20), close("failed", 50))
    assert owners(folded) == [
        (None, "unexplained", 20, 30),
        ("train", AUTOMATION, 30, 40),
        (None, "unexplained", 40, 50),
    ]


def test_a_start_said_before_all_work_leaves_time_unexplained() -> None:
    folded = facts(stage("data", 10, 20), mark("started", 0), close("failed", 20))
    assert owners(folded) == [(None, "unexplained", 0, 10), ("data", AUTOMATION, 10, 20)]


def test_a_cycle_that_only_marks_know_is_unexplained() -> None:
    assert owners(facts(mark("started", 0), mark("in_use", 30))) == [(None, "unexplained", 0, 30)]


# --- ties, one after the other ---


def test_tie_one_ends_soonest() -> None:
    folded = facts(*stages([("data", 0, 30), ("train", 5, 25)]), close("failed", 20))
    assert owners(folded) == [("data", AUTOMATION, 0, 5), ("train", AUTOMATION, 5, 20)]
    # Ending soonest decides before starting latest.
    folded = facts(*stages([("data", 5, 30), ("train", 0, 25)]), close("failed", 20))
    assert owners(folded) == [("train", AUTOMATION, 0, 20)]


def test_tie_one_unfinished_comes_last() -> None:
    folded = facts(*stages([("data", 5, None), ("train", 0, 20)]), at=20)
    assert owners(folded) == [("train", AUTOMATION, 0, 20)]
    # An own wait that was closed at T is finished although its stage is not.
    folded = facts(stage("data", 5), stage("train", 0), wait("compute", 2, 20, stage="train"), at=20)
    assert owners(folded) == [("train", AUTOMATION, 0, 2), ("train", "wait.compute", 2, 20)]
    # One that is still open is not.
    folded = facts(stage("data", 1, 20), stage("train", 0), wait("compute", 2, stage="train"), at=20)
    assert owners(folded) == [("train", AUTOMATION, 0, 1), ("data", AUTOMATION, 1, 20)]
    # Nor is an open wait of the cycle.
    folded = facts(stage("data", 0, 20), wait("compute", 2), at=20)
    assert owners(folded) == [("data", AUTOMATION, 0, 20)]


def test_what_a_running_stage_did_before_a_contained_one_is_finished() -> None:
    # From 20 on test (contained) runs: what train did before ends at 20, as data does; train starts later.
    folded = facts(stage("data", 0, 20), stage("train", 5), stage("test", 20, parent="train"), at=30)
    assert owners(folded) == [("data", AUTOMATION, 0, 5), ("train", AUTOMATION, 5, 20), ("test", AUTOMATION, 20, 30)]


def test_tie_two_starts_latest() -> None:
    folded = facts(*stages([("data", 0, 20), ("train", 5, 20)]), close("failed", 20))
    assert owners(folded) == [("data", AUTOMATION, 0, 5), ("train", AUTOMATION, 5, 20)]
    # Starting latest decides before stage over wait.
    folded = facts(stage("data", 0, 20), wait("human", 5, 20), close("failed", 20))
    assert owners(folded) == [("data", AUTOMATION, 0, 5), (None, "wait.human", 5, 20)]


def test_tie_two_compares_before_clipping_to_started() -> None:
    folded = facts(stage("data", 1, 20, id="b"), stage("train", 2, 20, id="c"), mark("started", 5), close("failed", 20))
    assert owners(folded) == [("train", AUTOMATION, 5, 20)]


def test_tie_three_stage_before_wait_of_the_cycle() -> None:
    folded = facts(wait("human", 0, 20), stage("train", 0, 20), close("failed", 20))
    assert owners(folded) == [("train", AUTOMATION, 0, 20)]
    # An own wait is its stage's; it decides before the order of activities (human before compute).
    folded = facts(
        wait("human", 0, 20),
        stage("train", 0, 20),
        wait("compute", 0, 20, stage="train"),
        close("failed", 20),
    )
    assert owners(folded) == [("train", "wait.compute", 0, 20)]


def test_tie_four_smallest_stage_id() -> None:
    folded = facts(stage("x", 0, 20, id="b"), stage("z", 0, 20, id="a"), stage("y", 0, 20, id="c"), close("failed", 20))
    assert owners(folded) == [("z", AUTOMATION, 0, 20)]
    # It decides before the order of activities: human work comes after automation's.
    folded = facts(stage("x", 0, 20, id="b"), stage("z", 0, 20, id="a", actor="human"), close("failed", 20))
    assert owners(folded) == [("z", HUMAN, 0, 20)]


def test_tie_five_order_of_activities() -> None:
    folded = facts(
        wait("external", 0, 20),
        wait("schedule", 0, 20),
        wait("human", 0, 20),
        wait("compute", 0, 20),
        wait("data", 0, 20),
        close("failed", 20),
    )
    assert owners(folded) == [(None, "wait.human", 0, 20)]
    folded = facts(
        stage("train", 0, 30),
        wait("schedule", 10, 20, stage="train"),
        wait("compute", 10, 20, stage="train"),
        close("failed", 30),
    )
    assert owners(folded) == [
        ("train", AUTOMATION, 0, 10),
        ("train", "wait.compute", 10, 20),
        ("train", AUTOMATION, 20, 30),
    ]
