"""Hand-worked cycles: the facts as a whole, lists and their order, parts of stages, attempts, 64-bit limits."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest
from tests.flow.build import SMALL, activities, close, facts, mark, of, owners, parts, stage, wait

from cycletrace._internal.flow import Facts, Mark, RecordOrigin, Stage, Wait, facts_of
from cycletrace._internal.flow.facts import complete

KINDS = {
    "data": "training",
    "train": "training",
    "evaluate": "selection",
    "select": "selection",
    "test": "deployment",
    "package": "deployment",
    "approve": "deployment",
    "deploy": "deployment",
    "activate": "deployment",
}


def test_the_facts_of_a_whole_cycle() -> None:
    origin = of("cc", key="churn@7", namespace="team", model="churn", version="7", trigger="drift")
    folded = facts(
        stage("data", 0, 10, origin=origin),
        wait("compute", 2, 5, stage="data", origin=origin),
        stage("train", 12, 20, origin=origin, actor="human", person="p", launch="notebook", attempt=3),
        stage("select", 20, 24, origin=origin),
        wait("human", 24, 27, origin=origin),
        stage("deploy", 27, 30, origin=origin, environment="production", launch="ci"),
        stage("activate", 31, 33, origin=origin, environment="production", mechanism="flag"),
    )
    bare = {
        "actor": "automation",
        "person": None,
        "launch": "other",
        "environment": None,
        "parent": None,
        "mechanism": None,
        "outcome": "ok",
        "attempt": 1,
    }
    assert folded == {
        "cycle_id": "cc",
        "key": "churn@7",
        "namespace": "team",
        "model": "churn",
        "domain": "churn",
        "version": "7",
        "trigger": "drift",
        "implicit": False,
        "outcome": "in_use",
        "marks": {"started": 0, "trained": 20, "selected": 24, "deployed": 30, "in_use": 33},
        "derived": ["started", "trained", "selected", "deployed", "in_use"],
        "cycle_time_ns": 33,
        "parts_ns": {"training": 20, "selection": 4, "deployment": 9, "activation": 3},
        "activity_ns": {
            "work.automation": 2 + 5 + 4 + 3 + 2,
            "work.human": 8,
            "wait.human": 3,
            "wait.data": 0,
            "wait.compute": 3,
            "wait.schedule": 0,
            "wait.external": 0,
            "unexplained": 2 + 1,
        },
        "owners": [
            {"stage": "data", "kind": "data", "activity": "work.automation", "start": 0, "end": 2},
            {"stage": "data", "kind": "data", "activity": "wait.compute", "start": 2, "end": 5},
            {"stage": "data", "kind": "data", "activity": "work.automation", "start": 5, "end": 10},
            {"stage": None, "kind": None, "activity": "unexplained", "start": 10, "end": 12},
            {"stage": "train", "kind": "train", "activity": "work.human", "start": 12, "end": 20},
            {"stage": "select", "kind": "select", "activity": "work.automation", "start": 20, "end": 24},
            {"stage": None, "kind": None, "activity": "wait.human", "start": 24, "end": 27},
            {"stage": "deploy", "kind": "deploy", "activity": "work.automation", "start": 27, "end": 30},
            {"stage": None, "kind": None, "activity": "unexplained", "start": 30, "end": 31},
            {"stage": "activate", "kind": "activate", "activity": "work.automation", "start": 31, "end": 33},
        ],
        "stages": [
            {**bare, "id": "data", "name": "data", "kind": "data", "part": "training", "start": 0, "end": 10},
            {
                **bare,
                "id": "train",
                "name": "train",
                "kind": "train",
                "part": "training",
                "start": 12,
                "end": 20,
                "actor": "human",
                "person": "p",
                "launch": "notebook",
                "attempt": 3,
            },
            {**bare, "id": "select", "name": "select", "kind": "select", "part": "selection", "start": 20, "end": 24},
            {
                **bare,
                "id": "deploy",
                "name": "deploy",
                "kind": "deploy",
                "part": "deployment",
                "start": 27,
                "end": 30,
                "environment": "production",
                "launch": "ci",
            },
            {
                **bare,
                "id": "activate",
                "name": "activate",
                "kind": "activate",
                "part": "deployment",
                "start": 31,
                "end": 33,
                "environment": "production",
                "mechanism": "flag",
            },
        ],
        "waits": [
            {"id": "compute", "reason": "compute", "stage": "data", "start": 2, "end": 5},
            {"id": "human", "reason": "human", "stage": None, "start": 24, "end": 27},
        ],
        "flags": {},
    }


def test_the_fold_of_nothing_is_nothing() -> None:
    assert facts_of([], 10, SMALL) == []
    assert facts_of([mark("started", 11)], 10, SMALL) == []
    assert len(facts_of([mark("started", 10)], 10, SMALL)) == 1


def test_a_fold_takes_records_of_any_time_in_any_order() -> None:
    records = [stage("test", 11, 12), stage("train", 0, 10), mark("selected", 12), wait("data", 3, 4)]
    (folded,) = facts_of(reversed(records), 10, SMALL)
    assert folded == facts(*records, at=10)
    assert [run["id"] for run in folded["stages"]] == ["train"]
    assert [one["id"] for one in folded["waits"]] == ["data"]


def test_what_a_record_does_not_say() -> None:
    origin = RecordOrigin("cc")
    folded = facts(Stage(origin, "1", "fit", "train", 0), Wait(origin, "2", "data", 0), at=5)
    assert not folded["implicit"]
    assert folded["stages"] == [
        {
            "id": "1",
            "name": "fit",
            "kind": "train",
            "part": "training",
            "attempt": 1,
            "outcome": None,
            "actor": "automation",
            "person": None,
            "launch": "other",
            "environment": None,
            "parent": None,
            "mechanism": None,
            "start": 0,
            "end": None,
        }
    ]
    assert folded["waits"] == [{"id": "2", "reason": "data", "stage": None, "start": 0, "end": None}]


def test_stages_and_waits_are_listed_by_start_and_id() -> None:
    folded = facts(
        stage("x", 5, 9, id="b"),
        stage("x", 5, 6, id="a"),
        stage("x", 4, 20, id="c"),
        wait("data", 5, 9, id="b"),
        wait("data", 5, 6, id="a"),
        wait("data", 4, 20, id="c"),
    )
    assert [run["id"] for run in folded["stages"]] == ["c", "a", "b"]
    assert [one["id"] for one in folded["waits"]] == ["c", "a", "b"]


# --- part of a stage ---


@pytest.mark.parametrize(("kind", "part"), KINDS.items())
def test_the_part_of_a_stage_is_its_kinds_wherever_it_lies(kind: str, part: str) -> None:
    folded = facts(mark("in_use", 0), stage("x", 5, 9, "error", kind=kind))
    assert folded["stages"][0]["part"] == part


@pytest.mark.parametrize(
    ("start", "part"),
    [
        (9, None),
        (10, "training"),
        (19, "training"),
        (20, "selection"),
        (29, "selection"),
        (30, "deployment"),
        (39, "deployment"),
        (40, "deployment"),
        (49, "deployment"),
        (50, None),
        (60, None),
    ],
)
def test_the_part_of_another_stage_is_what_the_last_known_mark_opens(start: int, part: str | None) -> None:
    names = ("started", "trained", "selected", "deployed", "in_use")
    folded = facts(*(mark(name, 10 * place) for place, name in enumerate(names, start=1)), stage("x", start, start + 1))
    assert folded["stages"][0]["part"] == part


def test_marks_that_are_not_known_open_nothing() -> None:
    folded = facts(mark("started", 10), mark("deployed", 40), stage("x", 30, 31, id="a"), stage("x", 45, 46, id="b"))
    assert [run["part"] for run in folded["stages"]] == ["training", "deployment"]


def test_a_mark_out_of_order_opens_what_it_opens() -> None:
    # In mark order the last one at or before 25 is selected, although trained was said later.
    folded = facts(mark("started", 10), mark("trained", 20), mark("selected", 15), stage("x", 25, 26))
    assert folded["stages"][0]["part"] == "deployment"


def test_the_part_goes_by_lifted_marks() -> None:
    folded = facts(mark("started", 0), mark("trained", 10), mark("selected", 8), stage("x", 9, 9))
    assert folded["marks"]["selected"] == 10
    assert folded["stages"][0]["part"] == "training"


# --- attempts ---


def test_an_attempt_is_its_place_among_the_runs_of_its_name() -> None:
    folded = facts(
        stage("train", 5, 9, id="b"),
        stage("train", 5, 6, "error", id="a"),
        stage("train", 1, 0, id="negative"),
        stage("test", 3, 4, id="t"),
        stage("train", 30, id="running"),
    )
    assert [(run["id"], run["attempt"]) for run in folded["stages"]] == [
        ("negative", 1),
        ("t", 1),
        ("a", 2),
        ("b", 3),
        ("running", 4),
    ]


def test_an_attempt_is_as_given_and_takes_a_place() -> None:
    folded = facts(stage("x", 1, 2, id="a"), stage("x", 2, 3, id="b", attempt=7), stage("x", 3, 4, id="c"))
    assert [run["attempt"] for run in folded["stages"]] == [1, 7, 3]


def test_an_attempt_of_zero_is_as_given() -> None:
    assert facts(stage("x", 1, 2, attempt=0))["stages"][0]["attempt"] == 0


# --- odd input ---


def test_a_mark_that_is_none_is_no_mark() -> None:
    folded = facts(stage("train", 0, 10), Mark(of(), "celebrated", 20))
    assert folded["marks"] == {"started": 0, "trained": 10, "selected": None, "deployed": None, "in_use": None}


def test_64_bit_limits_are_ordinary_integers() -> None:
    low, high = -(2**63), 2**63 - 1
    folded = facts(stage("train", low, 0, lease=high), stage("test", 0, lease=high), close("failed", high), at=high)
    assert folded["cycle_time_ns"] == 2**64 - 1
    assert parts(folded) == [2**63, 0, None, None]
    assert owners(folded) == [("train", "work.automation", low, 0), (None, "unexplained", 0, high)]
    assert activities(folded) == {"work.automation": 2**63, "unexplained": 2**63 - 1}


def test_instants_may_be_negative() -> None:
    folded = facts(stage("train", -30, -10), mark("in_use", -5), at=0)
    assert folded["marks"] == {"started": -30, "trained": -10, "selected": -10, "deployed": None, "in_use": -5}
    assert parts(folded) == [20, 0, 5, None]


def older(folded: Facts) -> dict[str, Any]:
    """Facts as an older version made them, which knew fewer marks, parts and activities."""
    made: Any = deepcopy(folded)
    for words in (made["marks"], made["parts_ns"], made["activity_ns"]):
        del words[next(iter(words))]
    return dict(made)


def test_facts_of_an_older_vocabulary_get_the_words_that_they_lack() -> None:
    folded = facts(stage("train", 0, 10), stage("deploy", 20, 30), mark("in_use", 40))
    made: Any = older(folded)
    assert complete(made) is made
    assert made == {
        **folded,
        "marks": {**folded["marks"], "started": None},
        "parts_ns": {**folded["parts_ns"], "training": None},
        "activity_ns": {**(folded["activity_ns"] or {}), "work.automation": 0},
    }
    assert [list(made[name]) for name in ("marks", "parts_ns", "activity_ns")] == [
        list(words) for words in (folded["marks"], folded["parts_ns"], folded["activity_ns"] or {})
    ], "in the usual order"


def test_whole_facts_stay_as_they_are() -> None:
    for folded in (facts(stage("train", 0, 10), mark("in_use", 40)), facts(mark("selected", 5))):
        marks, parts, activity = folded["marks"], folded["parts_ns"], folded["activity_ns"]
        assert complete(deepcopy(folded)) == folded
        assert complete(folded)["marks"] is marks
        assert (folded["parts_ns"], folded["activity_ns"]) == (parts, activity)
        assert folded["parts_ns"] is parts
        assert folded["activity_ns"] is activity
