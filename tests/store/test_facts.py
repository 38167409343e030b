"""The facts in a store are those that flow makes of its records: whatever the order, whatever is kept."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.flow.strategies import Example, examples
from tests.sizes import sized
from tests.store.build import NOW, SECOND, T0, alias, finished, fold, mark, origin, put, read, sql, stage

from cycletrace import conventions as c
from cycletrace._internal.flow import RULES, Rules, facts_of, status
from cycletrace._internal.store import FILE, Store, open_store


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """One store for many examples: making one costs more than an example."""
    with open_store(Path(tmp_path_factory.mktemp("shared")) / FILE) as store:
        yield store


def emptied(store: Store) -> Store:
    with store.write():
        for table in ("records", "claims", "keys", "cycles"):
            sql(store, f"DELETE FROM {table}")
    return store


@settings(max_examples=sized(600), deadline=None)
@given(example=examples, dice=st.randoms(use_true_random=False))
def test_facts_equal_those_of_flow(shared: Store, example: Example, dice: random.Random) -> None:
    """Records in any order, in batches, repeated; folded in between at any instants; read at any instant."""
    arriving = [*example.records, *dice.choices(example.records, k=3)] if example.records else []
    dice.shuffle(arriving)
    instants = [example.at, example.at - 1, example.at + 1, example.at + example.rules.settle, 0]
    instants = [max(-(2**63), min(2**63 - 1, instant)) for instant in instants]
    store = emptied(shared)
    while arriving:
        batch = [arriving.pop() for _ in range(min(len(arriving), dice.randint(1, 8)))]
        with store.write() as tx:
            tx.add(batch, 0)
            if dice.random() < 0.5:
                tx.refold(dice.choice(instants), dice.randint(1, 3), example.rules)
    with store.read() as snapshot:
        for at in instants:
            assert list(snapshot.facts(at, rules=example.rules)) == facts_of(example.records, at, example.rules)


@settings(max_examples=sized(300), deadline=None)
@given(example=examples, dice=st.randoms(use_true_random=False))
def test_open_facts_are_those_of_the_open_cycles_but_for_lengths(
    shared: Store, example: Example, dice: random.Random
) -> None:
    """Whatever is folded and whenever before, the same cycles are open, and the same goes on in them."""
    instants = [max(-(2**63), min(2**63 - 1, at)) for at in (example.at, example.at + example.rules.settle)]
    store, arriving = emptied(shared), list(example.records)
    while arriving:
        batch = [arriving.pop() for _ in range(min(len(arriving), dice.randint(1, 8)))]
        with store.write() as tx:
            tx.add(batch, 0)
            if dice.random() < 0.7:
                earlier = max(-(2**63), instants[0] - dice.choice([0, 1, 50, 10**15]))
                tx.refold(earlier, dice.randint(1, 3), example.rules)
    for at in instants:
        expected = [facts for facts in facts_of(example.records, at, example.rules) if facts["outcome"] == c.OPEN]
        with store.read() as snapshot:
            found = list(snapshot.open_facts(at, example.rules))
        assert [(facts["cycle_id"], facts["marks"], status(facts)) for facts in found] == [
            (facts["cycle_id"], facts["marks"], status(facts)) for facts in expected
        ]


@settings(max_examples=sized(300), deadline=None)
@given(example=examples, dice=st.randoms(use_true_random=False))
def test_kept_facts_are_due_whenever_time_changes_them(shared: Store, example: Example, dice: random.Random) -> None:
    """From one due instant to the next no outcome and no stage changes by itself."""

    def facts_at(at: int) -> dict[str, object]:
        return {
            one["cycle_id"]: (one["outcome"], [(run["id"], run["outcome"]) for run in one["stages"]])
            for one in facts_of(example.records, at, example.rules)
        }

    store = emptied(shared)
    with store.write() as tx:
        tx.add(example.records, 0)
    at = example.at
    for _ in range(12):
        with store.write() as tx:
            tx.refold(at, 10**6, example.rules)
            due = tx.next_refold_at()
        assert due is None or due > at
        last = 2**63 - 1 if due is None else due - 1
        assert facts_at(at) == facts_at(dice.randint(at, last)) == facts_at(last)
        if due is None:
            break
        at = due


def test_facts_of_the_past_stay(store: Store) -> None:
    """Facts at an instant before a cycle closed are not the kept ones."""
    records = finished("churn@1")
    put(store, records)
    at = T0 + 70 * SECOND
    (one,) = read(store, at)
    assert one["outcome"] == c.OPEN
    assert [one] == facts_of(records, at)


def test_a_late_record_refolds_one_cycle(store: Store) -> None:
    put(store, [*finished("churn@1"), *finished("churn@2")])
    late = stage(origin("churn@1"), "evaluate", 45, 50)
    with store.write() as tx:
        assert tx.add([late], NOW).new == 1
        refolded = tx.refold(NOW, 100)
    assert [(one.cycle_id, one.new_records) for one in refolded] == [(late.origin.cycle_id, 1)]
    assert refolded[0].facts == facts_of([*finished("churn@1"), late], NOW)[0]


def test_what_is_known_already_folds_nothing(store: Store) -> None:
    put(store, finished("churn@1"))
    with store.write() as tx:
        assert tx.add(finished("churn@1"), NOW).new == 0
        assert tx.refold(NOW, 100) == []


def test_kept_facts_are_used(store: Store) -> None:
    """Where they hold, records are not even looked at."""
    put(store, finished("churn@1"))
    sql(store, "DELETE FROM records")
    assert read(store) == facts_of(finished("churn@1"), NOW)


def test_a_cycle_settles_by_itself(store: Store) -> None:
    """Nothing arrives, and the outcome changes: the store knows when."""
    of = origin("churn@1")
    put(store, [stage(of, "deploy", 0, 10)], fold_at=T0 + 20 * SECOND)
    with store.write() as tx:
        due = tx.next_refold_at()
        assert due == T0 + 10 * SECOND + RULES.settle
        assert tx.refold(due - 1, 100) == []
        (refolded,) = tx.refold(due, 100)
        assert tx.next_refold_at() is None
    assert refolded.facts is not None
    assert refolded.facts["outcome"] == c.DEPLOYED


def test_a_lease_runs_out_by_itself(store: Store) -> None:
    of = origin("churn@1")
    put(store, [stage(of, "train", 0, lease=30)], fold_at=T0 + 20 * SECOND)
    with store.write() as tx:
        due = tx.next_refold_at()
        assert due == T0 + 30 * SECOND + 1
        (refolded,) = tx.refold(due, 100)
    assert refolded.facts is not None
    assert refolded.facts["stages"][0]["outcome"] == c.LOST


def test_facts_made_by_other_rules_are_made_anew(store: Store) -> None:
    put(store, [stage(origin("churn@1"), "deploy", 0, 10)])
    shorter = RULES._replace(settle=SECOND)
    at = T0 + 12 * SECOND

    def outcomes(rules: Rules) -> list[str]:
        with store.read() as snapshot:
            return [one["outcome"] for one in snapshot.facts(at, rules=rules)]

    assert outcomes(shorter) == [c.DEPLOYED]
    assert outcomes(RULES) == [c.OPEN]
    with store.write() as tx:
        tx.refold(at, 100, shorter)
    assert outcomes(shorter) == [c.DEPLOYED]


def test_a_cycle_closed_when_first_found_so(store: Store) -> None:
    """The instant of that fold stays while more arrives, and goes when the cycle is open after all."""
    put(store, finished("churn@1"), fold_at=NOW)
    put(store, [stage(origin("churn@1"), "x", 1, 2)], fold_at=NOW + 5)
    put(store, [stage(origin("churn@2"), "x", 1, 2)], fold_at=NOW + 5)
    assert sql(store, "SELECT closed FROM cycles ORDER BY coalesce(closed, 0)") == [(None,), (NOW,)]


def test_selection_by_model_and_namespace(store: Store) -> None:
    put(
        store, [*finished("a@1", model="a"), *finished("b@1", model="b"), *finished("a@1", namespace="team", model="a")]
    )
    put(store, [stage(origin("a@2", model="a"), "train", 0)], fold_at=None)
    assert sorted(one["key"] or "" for one in read(store, model="a")) == ["a@1", "a@1", "a@2"]
    assert [one["key"] for one in read(store, namespace="team")] == ["a@1"]
    assert sorted(one["namespace"] for one in read(store, cycle="a@1")) == ["", "team"]
    assert [one["model"] for one in read(store, cycle="b@1")] == ["b"]
    assert read(store, model="b", cycle="a@1") == []


def test_a_cycle_is_found_by_key_alias_and_id(store: Store) -> None:
    of = origin("churn@1")
    claim = alias(of, "abc123", 5)
    put(store, [*finished("churn@1"), claim, stage(origin("abc123"), "test", 50, 55)])
    put(store, finished("churn@2"))
    expected = read(store)[:2]
    (wanted,) = [one for one in expected if one["cycle_id"] == of.cycle_id]
    for name in ("churn@1", "abc123", of.cycle_id, of.cycle_id.upper(), claim.alias_id):
        assert read(store, cycle=name) == [wanted]
    assert [stage["name"] for stage in wanted["stages"]] == ["train", "test", "deploy"]
    assert read(store, cycle="nobody") == []


def test_before_a_claim_was_known_there_were_two_cycles(store: Store) -> None:
    of, other = origin("churn@1"), origin("abc123")
    put(store, [stage(of, "train", 0, 10), stage(other, "test", 20, 30), alias(of, "abc123", 40)])
    assert [one["cycle_id"] for one in read(store, T0 + 50 * SECOND)] == [of.cycle_id]
    assert [one["cycle_id"] for one in read(store, T0 + 35 * SECOND)] == sorted([of.cycle_id, other.cycle_id])
    (found,) = read(store, T0 + 35 * SECOND, cycle="abc123")
    assert found["cycle_id"] == other.cycle_id


def test_a_claim_ties_cycles_whose_facts_are_kept(store: Store) -> None:
    """Chains of claims, learnt last, move facts that were kept long before."""
    one, two, three = origin("one"), origin("two"), origin("three")
    records = [*finished("one"), *finished("two", 200), *finished("three", 400)]
    put(store, records)
    claims = [alias(two, "three", 600), alias(one, "two", 700)]
    for claim in claims:
        put(store, [claim])
        records.append(claim)
        assert read(store) == facts_of(records, NOW)
    assert [facts["cycle_id"] for facts in read(store)] == [one.cycle_id]
    late = stage(three, "test", 450, 460)
    put(store, [late], fold_at=None)
    assert read(store) == facts_of([*records, late], NOW)
    fold(store)
    assert read(store) == facts_of([*records, late], NOW)


def test_odd_names_survive(store: Store) -> None:
    """Whatever characters a sender's words hold."""
    records = [
        mark(origin(key, model=key), c.IN_USE, 5) for key in ("\0", "'; --", '"', "ключ", "\U0001f600", "\n", "%_")
    ]
    put(store, records)
    assert read(store) == facts_of(records, NOW)
    for record in records:
        assert [one["key"] for one in read(store, cycle=record.origin.key)] == [record.origin.key]
        assert [one["model"] for one in read(store, model=record.origin.key)] == [record.origin.key]


def test_names_that_are_no_text_are_asked_for_in_vain(store: Store) -> None:
    """A command line may hold bytes that are not UTF-8; Python hands them on as lone surrogates."""
    put(store, finished("churn@1"))
    assert read(store, cycle="churn\udcff") == read(store, model="\udcff") == read(store, namespace="\udcff") == []
