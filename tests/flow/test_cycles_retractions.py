"""Hand-worked cycles: records that were a mistake."""

from __future__ import annotations

import pytest
from tests.flow.build import SMALL, alias, beat, begin, close, end, facts, mark, of, retraction, runs, stage, wait

from cycletrace._internal.flow import Record, facts_of, owners_at
from cycletrace._internal.flow.aliases import without_retracted

TRAIN = stage("train", 0, 10)


def test_a_retracted_mark_makes_room_for_the_right_one() -> None:
    mistaken, right = mark("in_use", 20, id="m1"), mark("in_use", 80, id="m2")
    assert facts(TRAIN, mistaken, right)["marks"]["in_use"] == 20
    assert facts(TRAIN, mistaken, right, retraction("m1", 90))["marks"]["in_use"] == 80


@pytest.mark.parametrize(
    "mistake",
    [
        [stage("test", 20, 30, id="x")],
        [stage("test", 20, id="x", lease=5), beat("x", 25), wait("human", 21, 22, stage="x")],
        [wait("human", 20, 30, id="x")],
        [mark("in_use", 20, id="x")],
        [close("failed", 20, id="x")],
        [begin("test", 20, "x")],
        [end("test", 20, id="x")],
    ],
)
def test_every_kind_of_record_can_be_retracted(mistake: list[Record]) -> None:
    with_it = facts(TRAIN, *mistake, retraction("x", 50), at=60)
    without = facts(TRAIN, retraction("x", 50), at=60)
    assert with_it == without != facts(TRAIN, *mistake, at=60)


def test_a_retraction_holds_from_its_own_instant_on_in_any_order() -> None:
    records = [retraction("m1", 50), mark("in_use", 20, id="m1"), TRAIN]
    assert facts(*records, at=49)["marks"]["in_use"] == 20
    assert facts(*records, at=50)["marks"]["in_use"] is None
    assert facts(*reversed(records), at=50) == facts(*records, at=50)


def test_a_retraction_cannot_be_retracted() -> None:
    records = TRAIN, mark("in_use", 20, id="m1"), retraction("m1", 50), retraction("m1", 60)
    assert facts(*records)["marks"]["in_use"] is None


def test_a_record_of_another_cycle_stands() -> None:
    folded = facts_of([mark("in_use", 20, id="m1"), retraction("m1", 50, origin=of("other"))], 100, SMALL)
    assert [one["marks"]["in_use"] for one in folded] == [20]


def test_of_a_cycle_whose_records_are_all_retracted_nothing_is_known() -> None:
    assert facts_of([mark("in_use", 20, id="m1"), retraction("m1", 50)], 100, SMALL) == []


def test_a_retracted_alias_claims_nothing() -> None:
    other = of("other")
    records = [
        TRAIN,
        alias("other", 20, id="a1"),
        stage("test", 30, 40, origin=other),
        retraction("a1", 50),
    ]
    (joined,) = facts_of(records, 49, SMALL)
    assert runs(joined) == [("train", "ok", 0, 10), ("test", "ok", 30, 40)]
    apart = facts_of(records, 50, SMALL)
    assert [one["cycle_id"] for one in apart] == ["cc", "other"]


def test_an_alias_may_be_retracted_under_the_key_that_it_claims() -> None:
    records = [TRAIN, alias("other", 20, id="a1"), retraction("a1", 50, origin=of("other"))]
    assert [one["cycle_id"] for one in facts_of(records, 60, SMALL)] == ["cc"]
    assert facts_of(records, 60, SMALL)[0]["stages"] == facts(TRAIN)["stages"]


def test_the_next_claim_decides_once_the_first_is_retracted() -> None:
    second = of("second")
    records = [
        TRAIN,
        alias("key", 10, id="a1"),
        alias("key", 20, id="a2", origin=second),
        stage("test", 30, 40, origin=of("key")),
        retraction("a1", 50),
    ]
    assert [len(one["stages"]) for one in facts_of(records, 49, SMALL)] == [2, 0]
    assert [len(one["stages"]) for one in facts_of(records, 50, SMALL)] == [1, 1]


def test_a_claim_holds_from_its_instant_on_until_it_is_retracted() -> None:
    records = [alias("dd", 10, id="mistake"), stage("train", 0, 5)]
    assert owners_at(records, 9) == {}
    assert owners_at(records, 10) == {"dd": "cc"}
    assert owners_at([*records, retraction("mistake", 15)], 14) == {"dd": "cc"}
    assert owners_at([*records, retraction("mistake", 15)], 15) == {}


def test_without_a_retraction_nothing_is_copied() -> None:
    records = [alias("dd", 10, id="mistake"), stage("train", 0, 5), retraction("mistake", 30)]
    assert without_retracted(records, 29) is records
    assert without_retracted(records, 30) == records[1:]
