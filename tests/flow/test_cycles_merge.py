"""Hand-worked cycles: merging by identity, fields of the cycle, aliases (rule 1)."""

from __future__ import annotations

from itertools import permutations

import pytest
from tests.flow.build import SMALL, alias, beat, close, facts, mark, of, runs, stage, wait, waits

from cycletrace._internal.flow import Facts, Record, facts_of


def ids(*records: Record, at: int = 1000) -> list[str]:
    """The ids of the cycles that these records make."""
    return [folded["cycle_id"] for folded in facts_of(records, at, SMALL)]


# --- one identity, different content ---


@pytest.mark.parametrize(
    ("winner", "loser"),
    [
        (stage("train", 5, 10, "error"), stage("train", 2, 90, "lost")),  # a run beats a lost run
        (stage("train", 5, 10, "lost"), stage("train", 2)),  # which beats a start
        (stage("train", 5, 10, "error"), stage("train", 2)),  # a run beats a start
        (stage("train", 5, 11, "error"), stage("train", 6, 10)),  # the later end
        (stage("train", 5, 11, "lost"), stage("train", 6, 10, "lost")),
        (stage("train", 6, 10, "error"), stage("train", 5, 10)),  # then the later start
        (stage("train", 2, actor="human"), stage("train", 3)),  # of starts, the earliest
    ],
)
def test_of_one_stage_with_different_content(winner: Record, loser: Record) -> None:
    alone = facts(winner)["stages"]
    assert facts(winner, loser)["stages"] == alone
    assert facts(loser, winner)["stages"] == alone


@pytest.mark.parametrize(
    ("winner", "loser"),
    [
        (wait("data", 5, 10), wait("data", 2)),  # ended beats opened
        (wait("data", 5, 11), wait("data", 6, 10)),  # the later end
        (wait("data", 6, 10), wait("data", 5, 10)),  # then the later start
        (wait("compute", 2, id="w"), wait("data", 3, id="w")),  # of opened ones, the earliest
    ],
)
def test_of_one_wait_with_different_content(winner: Record, loser: Record) -> None:
    alone = facts(winner)["waits"]
    assert facts(winner, loser)["waits"] == alone
    assert facts(loser, winner)["waits"] == alone


def test_a_stage_and_a_wait_of_one_id_are_two_things() -> None:
    folded = facts(stage("train", 0, 10, id="x"), wait("data", 10, 20, id="x"))
    assert runs(folded) == [("x", "ok", 0, 10)]
    assert waits(folded) == [("x", None, 10, 20)]


def test_what_differs_in_nothing_that_ranks_still_has_one_winner() -> None:
    tied = [stage("train", 0, 10, outcome, person=person) for outcome in ("ok", "error") for person in (None, "p")]
    seen: list[list[Facts]] = [facts_of(order, 1000, SMALL) for order in permutations(tied)]
    assert all(folded == seen[0] for folded in seen)


def test_order_and_repetition_change_nothing() -> None:
    records = [stage("train", 0), stage("train", 0, 10), beat("train", 5), wait("data", 11, 12), mark("in_use", 20)]
    expected = facts(*records)
    for order in permutations(records):
        assert facts(*order, *order[:2]) == expected


# --- fields of the cycle ---


def test_fields_come_from_the_latest_starting_record_that_has_them() -> None:
    folded = facts(
        stage("train", 0, 90, origin=of(key="k0", model="m0", domain="d0", version="v0", trigger="fix")),
        stage("test", 10, 20, origin=of(key="k1", model="m1", version="v1")),
        mark("in_use", 30, origin=of(model="m2")),
    )
    assert (folded["key"], folded["model"], folded["domain"], folded["version"], folded["trigger"]) == (
        "k1",
        "m2",
        "d0",
        "v1",
        "fix",
    )


@pytest.mark.parametrize(
    "latest",
    [
        stage("test", 10, 5, origin=of(model="late")),
        stage("train", 10, origin=of(model="late")),  # a start that the run beats
        beat("train", 10, origin=of(model="late")),
        wait("data", 10, 12, origin=of(model="late")),
        mark("selected", 10, origin=of(model="late")),
        alias("aa", 10, origin=of(model="late")),
        close("failed", 10, origin=of(model="late")),
    ],
)
def test_every_kind_of_record_has_a_say_in_fields(latest: Record) -> None:
    early = stage("train", 0, 50, origin=of(model="early"))
    assert facts(early, latest)["model"] == "late"
    assert facts(latest, early)["model"] == "late"


def test_at_one_instant_the_greatest_text_wins() -> None:
    origins = [
        of(key=text, model=text, domain=text, version=text, trigger=text) for text in ("drift", "schedule", "fix")
    ]
    folded = facts(*(mark("trained", 5, origin=origin) for origin in origins))
    assert {folded["key"], folded["model"], folded["domain"], folded["version"], folded["trigger"]} == {"schedule"}


def test_what_nobody_said() -> None:
    folded = facts(mark("trained", 5))
    assert (folded["key"], folded["model"], folded["domain"], folded["version"]) == (None, None, None, None)
    assert (folded["namespace"], folded["trigger"]) == ("", "idea")


def test_the_domain_is_the_model_unless_said() -> None:
    assert facts(mark("trained", 5, origin=of(model="churn")))["domain"] == "churn"
    assert facts(mark("trained", 5, origin=of(model="churn", domain="risk")))["domain"] == "risk"


def test_facts_have_the_namespace() -> None:
    assert facts(mark("trained", 5, origin=of(namespace="team")), mark("in_use", 6))["namespace"] == "team"


def test_fields_of_records_after_t_are_not_known_yet() -> None:
    records = [mark("started", 5, origin=of(model="a")), mark("trained", 9, origin=of(model="b"))]
    assert facts(*records, at=8)["model"] == "a"
    assert facts(*records, at=9)["model"] == "b"


def test_a_cycle_is_implicit_where_all_records_say_so() -> None:
    assert facts(stage("train", 0, 1, origin=of(implicit=True)), mark("in_use", 5, origin=of(implicit=True)))[
        "implicit"
    ]
    assert not facts(stage("train", 0, 1, origin=of(implicit=True)), mark("in_use", 5))["implicit"]
    assert not facts(stage("train", 0, 1, origin=of(implicit=True)), stage("train", 0))["implicit"]
    assert not facts(mark("in_use", 5))["implicit"]


# --- aliases ---


def test_what_carries_an_alias_belongs_to_the_cycle_that_claimed_it() -> None:
    (folded,) = facts_of(
        [
            stage("train", 0, 10, origin=of("cc", key="churn@2024")),
            alias("aa", 12, origin=of("cc", key="churn@2024")),
            stage("deploy", 20, 30, origin=of("aa", key="churn@7", model="churn", version="7")),
            mark("in_use", 40, origin=of("aa", key="churn@7")),
        ],
        1000,
        SMALL,
    )
    assert folded["cycle_id"] == "cc"
    assert folded["key"] == "churn@2024"  # a later record has another key, but not under the cycle's own id
    assert (folded["model"], folded["version"]) == ("churn", "7")
    assert runs(folded) == [("train", "ok", 0, 10), ("deploy", "ok", 20, 30)]
    assert folded["outcome"] == "in_use"


def test_a_cycle_known_only_by_an_alias_record_has_no_key_of_an_alias() -> None:
    (folded,) = facts_of([alias("aa", 5), mark("in_use", 6, origin=of("aa", key="churn@7"))], 1000, SMALL)
    assert folded["cycle_id"] == "cc"
    assert folded["key"] is None


def test_stages_of_one_id_merge_across_an_alias() -> None:
    records = [stage("train", 0, 10), stage("train", 0, origin=of("aa")), alias("aa", 5)]
    assert runs(facts(*records)) == [("train", "ok", 0, 10)]


def test_the_earliest_claim_wins() -> None:
    work = stage("train", 0, 10, origin=of("aa"))
    claims = [alias("aa", 7, origin=of("b")), alias("aa", 5, origin=of("c")), alias("aa", 6, origin=of("a"))]
    folded = {one["cycle_id"]: runs(one) for one in facts_of([work, *claims], 1000, SMALL)}
    assert folded == {"a": [], "b": [], "c": [("train", "ok", 0, 10)]}


def test_at_one_instant_the_claim_of_the_smallest_id_wins() -> None:
    work = stage("train", 0, 10, origin=of("aa"))
    claims = [alias("aa", 5, origin=of(cycle)) for cycle in ("c", "b", "d")]
    folded = {one["cycle_id"]: len(one["stages"]) for one in facts_of([work, *claims], 1000, SMALL)}
    assert folded == {"b": 1, "c": 0, "d": 0}


def test_chains_of_claims_are_followed() -> None:
    records = [
        stage("train", 0, 10, origin=of("d")),
        alias("d", 1, origin=of("c")),
        alias("c", 2, origin=of("b")),
        alias("b", 3, origin=of("a")),
    ]
    assert ids(*records) == ["a"]


def test_a_loop_of_claims_goes_by_its_smallest_id() -> None:
    loop = [alias("b", 1, origin=of("c")), alias("d", 2, origin=of("b")), alias("c", 3, origin=of("d"))]
    assert ids(*loop) == ["b"]
    # What leads into the loop belongs to it, however small its own id.
    assert ids(*loop, stage("train", 0, 10, origin=of("a")), alias("a", 4, origin=of("d"))) == ["b"]


def test_a_claim_on_itself_is_a_loop_of_one() -> None:
    assert ids(alias("aa", 1, origin=of("aa")), alias("aa", 2, origin=of("b"))) == ["aa", "b"]


def test_a_claim_after_t_is_not_known_yet() -> None:
    records = [stage("train", 0, 10, origin=of("aa")), stage("data", 0, 1), alias("aa", 20)]
    assert ids(*records, at=19) == ["aa", "cc"]
    assert ids(*records, at=20) == ["cc"]


def test_two_aliases_of_one_cycle() -> None:
    records = [alias("aa", 1), alias("bb", 2), mark("trained", 3, origin=of("aa")), mark("in_use", 4, origin=of("bb"))]
    assert ids(*records) == ["cc"]


# --- cycles beside each other ---


def test_cycles_come_by_id_and_share_nothing() -> None:
    records = [
        stage("train", 0, 10, id="x", origin=of("b")),
        stage("train", 5, 7, id="x", origin=of("a")),
        stage("fit", 0, 10, id="y", parent="x", origin=of("a")),
    ]
    folded = facts_of(records, 1000, SMALL)
    assert [one["cycle_id"] for one in folded] == ["a", "b"]
    assert [runs(one) for one in folded] == [[("y", "ok", 0, 10), ("x", "ok", 5, 7)], [("x", "ok", 0, 10)]]


def test_no_records_make_no_cycles() -> None:
    assert facts_of([], 1000, SMALL) == []
