"""Hand-worked cycles: which stretches of stages and waits could own time (rule 7, as far as "Pieces"; rule 9)."""

from __future__ import annotations

from tests.flow.build import activities, close, facts, owners, stage, wait

AUTOMATION = "work.automation"
HUMAN = "work.human"

# --- containment ---


def test_a_contained_stage_owns_its_time_and_its_container_the_rest() -> None:
    folded = facts(
        stage("train", 0, 30),
        stage("fit", 5, 10, parent="train"),
        stage("fit", 15, 20, id="fit2", parent="train"),
        close("failed", 30),
    )
    assert owners(folded) == [
        ("train", AUTOMATION, 0, 5),
        ("fit", AUTOMATION, 5, 10),
        ("train", AUTOMATION, 10, 15),
        ("fit", AUTOMATION, 15, 20),
        ("train", AUTOMATION, 20, 30),
    ]


def test_a_stage_contains_at_any_depth() -> None:
    # inner runs on after middle has ended: outer does not work there.
    folded = facts(
        stage("outer", 0, 30),
        stage("middle", 5, 10, parent="outer"),
        stage("inner", 7, 20, parent="middle", actor="human"),
        close("failed", 30),
    )
    assert owners(folded) == [
        ("outer", AUTOMATION, 0, 5),
        ("middle", AUTOMATION, 5, 7),
        ("inner", HUMAN, 7, 20),
        ("outer", AUTOMATION, 20, 30),
    ]


def test_containment_is_never_by_time() -> None:
    # test lies within train, but does not name it: the sweep takes what reaches furthest.
    folded = facts(stage("train", 0, 30), stage("test", 5, 10), close("failed", 30))
    assert owners(folded) == [("train", AUTOMATION, 0, 30)]


def test_a_contained_stage_may_outlast_its_container() -> None:
    folded = facts(stage("train", 0, 10), stage("fit", 5, 30, parent="train"), close("failed", 30))
    assert owners(folded) == [("train", AUTOMATION, 0, 5), ("fit", AUTOMATION, 5, 30)]


def test_an_unknown_parent_contains_nothing() -> None:
    folded = facts(stage("train", 0, 30), stage("test", 5, 10, parent="unknown"), close("failed", 30))
    assert owners(folded) == [("train", AUTOMATION, 0, 30)]
    assert [run["parent"] for run in folded["stages"]] == [None, "unknown"]


def test_a_looping_chain_contains_nothing() -> None:
    # c names b, b names a, a names b: nothing on c's chain contains anything, so the longest takes it all.
    folded = facts(
        stage("a", 0, 30, parent="b"),
        stage("b", 5, 20, parent="a"),
        stage("c", 10, 15, parent="b"),
        close("failed", 30),
    )
    assert owners(folded) == [("a", AUTOMATION, 0, 30)]


def test_a_stage_that_names_itself_contains_nothing() -> None:
    folded = facts(stage("a", 0, 30, parent="a"), close("failed", 30))
    assert owners(folded) == [("a", AUTOMATION, 0, 30)]


def test_a_contained_stage_of_no_length_leaves_the_work_whole() -> None:
    # Were the work cut at 10, data (which ends at 10 too, and starts later than 0) would take what lies before it.
    folded = facts(
        stage("train", 0, 20), stage("fit", 10, 10, parent="train"), stage("data", 5, 10), close("failed", 20)
    )
    assert owners(folded) == [("train", AUTOMATION, 0, 20)]


def test_a_running_contained_stage_owns_to_t() -> None:
    folded = facts(stage("train", 0), stage("fit", 5, parent="train"), at=20)
    assert owners(folded) == [("train", AUTOMATION, 0, 5), ("fit", AUTOMATION, 5, 20)]


# --- waits ---


def test_an_own_wait_owns_its_time_within_its_stage() -> None:
    folded = facts(stage("train", 5, 20), wait("compute", 0, 8, stage="train"), close("failed", 25))
    # started is 0, by the wait; only what lies within the stage counts.
    assert owners(folded) == [
        (None, "unexplained", 0, 5),
        ("train", "wait.compute", 5, 8),
        ("train", AUTOMATION, 8, 20),
        (None, "unexplained", 20, 25),
    ]
    assert folded["owners"][1]["kind"] == "train"


def test_an_own_wait_that_outlasts_its_stage_ends_with_it() -> None:
    folded = facts(stage("train", 0, 20), wait("compute", 15, 30, stage="train"), close("failed", 30))
    assert owners(folded) == [
        ("train", AUTOMATION, 0, 15),
        ("train", "wait.compute", 15, 20),
        (None, "unexplained", 20, 30),
    ]


def test_a_contained_stage_owns_its_time_within_an_own_wait() -> None:
    folded = facts(
        stage("train", 0, 30),
        wait("compute", 5, 25, stage="train"),
        stage("fit", 10, 15, parent="train"),
        close("failed", 30),
    )
    assert owners(folded) == [
        ("train", AUTOMATION, 0, 5),
        ("train", "wait.compute", 5, 10),
        ("fit", AUTOMATION, 10, 15),
        ("train", "wait.compute", 15, 25),
        ("train", AUTOMATION, 25, 30),
    ]


def test_an_own_wait_over_many_contained_stages_owns_each_stretch_between_them() -> None:
    folded = facts(
        stage("train", 0, 50),
        *(stage("fit", 10 * n, 10 * n + 5, id=f"fit{n}", parent="train") for n in (1, 2, 3, 4)),
        wait("data", 3, 48, stage="train"),
        close("failed", 50),
    )
    assert owners(folded) == [
        ("train", AUTOMATION, 0, 3),
        ("train", "wait.data", 3, 10),
        ("fit", AUTOMATION, 10, 15),
        ("train", "wait.data", 15, 20),
        ("fit", AUTOMATION, 20, 25),
        ("train", "wait.data", 25, 30),
        ("fit", AUTOMATION, 30, 35),
        ("train", "wait.data", 35, 40),
        ("fit", AUTOMATION, 40, 45),
        ("train", "wait.data", 45, 48),
        ("train", AUTOMATION, 48, 50),
    ]


def test_two_own_waits_that_overlap_are_two_pieces() -> None:
    folded = facts(
        stage("train", 0, 30),
        wait("compute", 5, 15, stage="train"),
        wait("data", 10, 20, stage="train"),
        close("failed", 30),
    )
    assert owners(folded) == [
        ("train", AUTOMATION, 0, 5),
        ("train", "wait.compute", 5, 10),
        ("train", "wait.data", 10, 20),
        ("train", AUTOMATION, 20, 30),
    ]


def test_an_own_wait_of_no_length_leaves_the_work_whole() -> None:
    folded = facts(
        stage("train", 0, 20), wait("data", 10, 10, stage="train"), stage("data", 5, 10), close("failed", 20)
    )
    assert owners(folded) == [("train", AUTOMATION, 0, 20)]


def test_a_wait_of_the_cycle_owns_where_it_reaches_furthest() -> None:
    folded = facts(stage("train", 0, 10), wait("human", 8, 20), stage("approve", 20, 25), close("failed", 25))
    assert owners(folded) == [
        ("train", AUTOMATION, 0, 8),
        (None, "wait.human", 8, 20),
        ("approve", AUTOMATION, 20, 25),
    ]
    assert folded["owners"][1]["kind"] is None


def test_a_wait_of_an_unknown_stage_is_the_cycles() -> None:
    folded = facts(wait("external", 0, 10, stage="unknown"), close("failed", 10))
    assert owners(folded) == [(None, "wait.external", 0, 10)]
    assert [one["stage"] for one in folded["waits"]] == [None]


def test_each_reason_is_an_activity() -> None:
    reasons = ("human", "data", "compute", "schedule", "external")
    folded = facts(*(wait(reason, 10 * n, 10 * n + n + 1) for n, reason in enumerate(reasons)), close("failed", 45))
    assert activities(folded) == {
        "wait.human": 1,
        "wait.data": 2,
        "wait.compute": 3,
        "wait.schedule": 4,
        "wait.external": 5,
        "unexplained": 30,
    }


# --- nothing negative ---


def test_a_negative_stage_stays_listed_and_owns_nothing() -> None:
    folded = facts(stage("data", 5, 10), stage("train", 9, 2), close("failed", 20))
    assert owners(folded) == [("data", AUTOMATION, 5, 10), (None, "unexplained", 10, 20)]
    assert [(run["id"], run["start"], run["end"], run["outcome"]) for run in folded["stages"]] == [
        ("data", 5, 10, "ok"),
        ("train", 9, 2, "ok"),
    ]
    assert folded["flags"] == {"negative_intervals": 1}


def test_a_negative_wait_stays_listed_and_owns_nothing() -> None:
    folded = facts(stage("data", 5, 10), wait("data", 9, 6, stage="data"), wait("human", 3, 1), close("failed", 20))
    assert owners(folded) == [("data", AUTOMATION, 5, 10), (None, "unexplained", 10, 20)]
    assert [(one["id"], one["start"], one["end"]) for one in folded["waits"]] == [("human", 3, 1), ("data", 9, 6)]
    assert folded["flags"] == {"negative_intervals": 2}


def test_a_negative_contained_stage_does_not_run_but_passes_containment_on() -> None:
    folded = facts(
        stage("outer", 0, 30),
        stage("middle", 12, 8, parent="outer"),
        stage("inner", 10, 20, parent="middle"),
        close("failed", 30),
    )
    assert owners(folded) == [
        ("outer", AUTOMATION, 0, 10),
        ("inner", AUTOMATION, 10, 20),
        ("outer", AUTOMATION, 20, 30),
    ]


def test_own_waits_of_a_negative_stage_count_nowhere() -> None:
    folded = facts(
        stage("data", 0, 5), stage("train", 20, 10), wait("compute", 5, 25, stage="train"), close("failed", 30)
    )
    assert owners(folded) == [("data", AUTOMATION, 0, 5), (None, "unexplained", 5, 30)]
