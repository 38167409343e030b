"""What claims tie together: facts stay those of flow whoever claims whom, and many claims cost no more than few."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.store.build import NOW, SECOND, T0, alias, finished, fold, mark, origin, put, read, stage

from cycletrace._internal.flow import Record, Retraction, facts_of
from cycletrace._internal.store import Store, Transaction, open_store
from cycletrace._internal.store.sqlite.database import SqliteStore


@pytest.mark.parametrize("seed", range(20))
def test_claims_of_each_other_in_any_order(store: Store, seed: int) -> None:
    """Chains, loops, rivals, claims that an earlier one outdoes later, claims of what nobody carries, retractions."""
    dice = random.Random(seed)
    keys = [f"k{number}" for number in range(6)]
    records: list[Record] = []
    for key in keys[:5]:
        records += [
            stage(origin(key), "train", dice.randint(0, 9), dice.randint(10, 20)),
            mark(origin(key), "in_use", 50),
        ]
    for number in range(10):
        claim = alias(origin(dice.choice(keys)), dice.choice(keys), dice.randint(0, 40))
        records.append(claim._replace(id=f"a{number}"))
    for number in range(4 if seed % 2 else 0):
        records.append(Retraction(origin(dice.choice(keys)), f"a{number}", T0 + dice.randint(0, 40) * SECOND))
    dice.shuffle(records)
    arrived: list[Record] = []
    while records:
        batch = [records.pop() for _ in range(min(len(records), dice.randint(1, 3)))]
        arrived += batch
        put(store, batch, fold_at=None)
        with store.write() as tx:
            tx.refold(NOW, dice.randint(0, 3))
        for at in (NOW, T0 + dice.randint(0, 50) * SECOND):
            assert read(store, at) == facts_of(arrived, at)


def test_cycles_that_claim_one_key_do_not_hang_together(store: Store) -> None:
    """A git revision of which a hundred cycles are made: the first has it, the others have nothing to do with it."""
    for number in range(100):
        put(store, [*finished(f"churn@{number}"), alias(origin(f"churn@{number}"), "revision", 10 + number)])
    late = stage(origin("churn@50"), "test", 200, 210)
    with store.write() as tx:
        tx.add([late], NOW)
        assert [one.cycle_id for one in tx.refold(NOW, 100)] == [late.origin.cycle_id]
    earlier = alias(origin("churn@50"), "revision", 5)
    with store.write() as tx:
        tx.add([earlier], NOW)
        refolded = {one.cycle_id: one.owner for one in tx.refold(NOW, 100)}
    loser = origin("churn@0").cycle_id
    assert refolded == {loser: loser, late.origin.cycle_id: late.origin.cycle_id}


def _claim_many(number: int) -> list[Record]:
    return [alias(origin("churn@1"), f"run-{number}", number)]


def _claim_on(number: int) -> list[Record]:
    return [alias(origin(f"run-{number}"), f"run-{number + 1}", number)]


def _carry_what_is_claimed(number: int) -> list[Record]:
    return [*_claim_many(number), stage(origin(f"run-{number}"), "train", 0, 10)]


@pytest.mark.parametrize("records_of", [_claim_many, _claim_on, _carry_what_is_claimed])
def test_the_work_grows_no_faster_than_the_claims(path: Path, records_of: Callable[[int], list[Record]]) -> None:
    store = open_store(path)
    assert isinstance(store, SqliteStore)

    def statements(numbers: range) -> int:
        executed: list[str] = []
        with store.write() as tx:
            store._connection.set_trace_callback(executed.append)
            for number in numbers:
                tx.add(records_of(number), NOW)
            _until_folded(tx)
            store._connection.set_trace_callback(None)
        return len(executed)

    few = statements(range(100))
    fold(store)
    assert statements(range(100, 400)) < 6 * few
    store.close()


def _until_folded(tx: Transaction) -> None:
    while tx.refold(NOW, 100):
        pass
