"""Looking after a store: what is in it, whether it is sound, a copy, less of it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from tests.store.build import NOW, SECOND, T0, alias, finished, fold, origin, put, read, sql, stage
from tests.store.wire import journal, lines

from cycletrace._internal.flow import RULES, Record, Retraction, Rules, facts_of
from cycletrace._internal.store import (
    Added,
    Store,
    StoreError,
    backup,
    info,
    ingest,
    open_reader,
    open_store,
    prune,
    rejection,
)
from cycletrace._internal.store.records import FULL, KEYS, PRUNED
from cycletrace._internal.store.rejections import HORIZON

DAY = 24 * 3600 * SECOND
OLD: list[Record] = [*finished("churn@1"), stage(origin("abc"), "test", 70, 80), alias(origin("churn@1"), "abc", 5)]
NEW = finished("churn@2", 60 * 24 * 3600)


def problems(store: Store, rules: Rules = RULES) -> list[str]:
    with store.read() as snapshot:
        return list(snapshot.problems(rules))


def test_info_counts_what_is_there(store: Store, path: Path) -> None:
    journal(path.parent, [*lines(OLD), b"damage\n"])
    ingest(store, path.parent)
    put(store, NEW, fold_at=None)
    with store.write() as tx:
        tx.reject(NOW, [rejection("odd", b"x")])
    found = info(store)
    assert (found["cycles"], found["records"], found["due"], found["journals"]) == (3, len(OLD) + len(NEW), 3, 1)
    assert found["losses"] == (1, {"odd": 1})
    assert found["bytes"] >= path.stat().st_size
    fold(store)
    assert info(store)["due"] == 0


def test_rejected_records_are_kept_up_to_a_bound(store: Store) -> None:
    with store.write() as tx:
        rejections = [rejection(f"reason {number % 2}", b"\x80" * 10_000 + b"%d" % number) for number in range(1500)]
        assert len(tx.reject(NOW, rejections)) == 1500
        assert tx.losses().rejected == {"reason 0": 750, "reason 1": 750}
    assert sql(store, "SELECT count(*), max(length(excerpt)) FROM rejected") == [(1000, 500)]


def test_a_rejected_record_that_comes_again_is_not_counted_again(store: Store) -> None:
    sent = [rejection("odd", b"%d" % number) for number in range(3000)]
    with store.write() as tx:
        assert tx.reject(NOW, sent) == sent
    with store.write() as tx:
        assert tx.reject(NOW + 1, [*sent, rejection("other", b"1"), *sent]) == [rejection("other", b"1")]
        assert tx.losses().rejected == {"odd": 3000, "other": 1}


def test_what_was_rejected_is_forgotten_beyond_the_horizon(store: Store) -> None:
    first, *others = [rejection("odd", b"%d" % number) for number in range(HORIZON + 1)]
    with store.write() as tx:
        tx.reject(NOW, [first])
        assert len(tx.reject(NOW, others)) == HORIZON
        assert tx.reject(NOW, [others[0], first]) == [first]
    assert sql(store, "SELECT count(*) FROM rejected_digests") == [(HORIZON,)]


def counted(added: Added) -> tuple[int, int, int]:
    return added.new, len(added.refused), added.rejected


def test_a_cycle_has_room_for_so_many_records_and_known_ones_take_none(store: Store) -> None:
    of = origin("churn@1")
    some: list[Record] = [stage(of, "train", second, second + 1) for second in range(10)]
    with store.write() as tx:
        assert counted(tx.add(some[:6], NOW, limit=8)) == (6, 0, 0)
        assert counted(tx.add(some[:8], NOW, limit=8)) == (2, 0, 0)
        assert counted(tx.add([*some, *some], NOW, limit=8)) == (0, 2, 2)
        assert counted(tx.add(some, NOW, limit=8)) == (0, 2, 0), "those that were refused are counted once"
        assert counted(tx.add(finished("churn@2"), NOW, limit=8)) == (4, 0, 0), "another cycle"
        assert tx.losses().rejected == {FULL: 2}
        assert counted(tx.add(some, NOW)) == (2, 0, 0)


def test_what_aliases_tie_together_has_the_room_of_one_cycle(store: Store) -> None:
    """Neither records under an alias nor aliases of cycles that have records get around the limit."""
    one, other = origin("churn@1"), origin("churn@2")
    runs = [origin(f"run-{number}") for number in range(4)]
    tied: list[Record] = [alias(one, f"run-{number}", number) for number in range(4)]
    with store.write() as tx:
        assert counted(tx.add([stage(one, "train", 0, 1), *tied], NOW, limit=8)) == (5, 0, 0)
        assert counted(tx.add([stage(run, "test", 1, 2) for run in runs], NOW, limit=8)) == (3, 1, 1)
        assert counted(tx.add(tied, NOW, limit=8)) == (0, 0, 0), "what is known takes no room"
        some: list[Record] = [stage(other, "train", second, second + 1) for second in range(6)]
        assert counted(tx.add(some, NOW, limit=8)) == (6, 0, 0)
        uniting: list[Record] = [alias(other, "churn@1", 9), stage(other, "test", 7, 8)]
        assert counted(tx.add(uniting, NOW, limit=8)) == (1, 1, 1), "together they would have more"
        assert counted(tx.add([alias(other, "nothing yet", 9)], NOW, limit=8)) == (1, 0, 0)
    assert sql(store, "SELECT count(*) FROM records") == [(8 + 8,)]


def test_a_cycle_has_so_many_keys_where_its_records_are_limited(store: Store) -> None:
    """Those that are known take no room, and a cycle without room for keys has some for records."""
    of = origin("churn@1")
    tied: list[Record] = [alias(of, f"run-{number}", number) for number in range(KEYS - 1)]
    with store.write() as tx:
        assert counted(tx.add(tied, NOW, limit=10_000)) == (KEYS - 1, 0, 0)
        assert counted(tx.add([alias(of, "another", 1), *tied], NOW, limit=10_000)) == (0, 1, 1)
        assert counted(tx.add([stage(of, "train", 0, 1)], NOW, limit=10_000)) == (1, 0, 0)


def test_a_retraction_does_not_tie_more_together_than_one_cycle_may_have(store: Store) -> None:
    """Where the first claim of a key is retracted, the next one decides, and both may tie cycles together."""
    first, second = origin("churn@1"), origin("churn@2")
    for of in (first, second):
        some: list[Record] = [stage(of, "train", at, at + 1) for at in range(5)]
        put(store, [*some, alias(of, "revision", 1 if of is first else 2)._replace(id=of.key or "")])
    with store.write() as tx:
        assert counted(tx.add([Retraction(second, "churn@1", T0)], NOW, limit=8)) == (0, 1, 1)
        assert counted(tx.add([Retraction(second, "churn@1", T0)], NOW, limit=20)) == (1, 0, 0)


def test_a_sound_store_has_nothing_wrong(store: Store) -> None:
    put(store, [*OLD, *NEW])
    put(store, [stage(origin("churn@3"), "train", 0)])
    assert problems(store) == []
    assert problems(store, RULES._replace(settle=1)) == []


def test_facts_that_are_not_those_of_the_records_are_found(store: Store) -> None:
    put(store, [*OLD, *NEW])
    of = origin("churn@2").cycle_id
    sql(store, "UPDATE cycles SET facts = replace(facts, 'in_use', 'failed') WHERE cycle_id = ?", of)
    (problem,) = problems(store)
    assert of in problem
    sql(store, "UPDATE records SET body = '[0]' || body WHERE cycle_id = ?", of)
    (problem,) = problems(store)
    assert "cannot be read" in problem


def test_a_damaged_file_is_found(store: Store, path: Path) -> None:
    put(store, [record for number in range(300) for record in finished(f"churn@{number}")])
    store.close()
    whole = bytearray(path.read_bytes())
    middle = len(whole) // 2
    whole[middle : middle + 30_000] = os.urandom(30_000)
    path.write_bytes(whole)
    with open_reader(path) as damaged:
        found = []
        try:
            found += problems(damaged)
        except StoreError as error:
            found.append(str(error))
    assert found


def test_a_backup_is_a_store(store: Store, path: Path, tmp_path: Path) -> None:
    """Taken while a transaction of another process is open; for its owner only."""
    put(store, [*OLD, *NEW])
    target = tmp_path / "backup.db"
    with open_store(path) as other, other.write() as tx:
        tx.add(finished("churn@3"), NOW)
        backup(store, target)
    assert target.stat().st_mode & 0o777 == 0o600
    with open_store(target) as copy:
        assert read(copy) == facts_of([*OLD, *NEW], NOW)
        put(copy, finished("churn@4"))
        assert len(read(copy)) == 3
    assert [entry.name for entry in tmp_path.iterdir() if entry.is_file()] == ["backup.db"]


def test_a_backup_by_a_reader(store: Store, path: Path, tmp_path: Path) -> None:
    put(store, OLD)
    with open_reader(path) as reader:
        backup(reader, tmp_path / "backup.db")
    with open_reader(tmp_path / "backup.db") as copy:
        assert read(copy) == facts_of(OLD, NOW)


def test_a_backup_never_replaces_a_file(store: Store, path: Path, tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("x")
    with pytest.raises(StoreError, match="already"):
        backup(store, tmp_path / "precious")
    assert (tmp_path / "precious").read_text() == "x"
    with pytest.raises(StoreError, match="cannot be written"):
        backup(store, tmp_path / "missing" / "file")


def test_pruning_removes_records_and_keeps_facts(store: Store) -> None:
    """Whole cycles only, with what aliases tie to them; and not what is open or newer."""
    still_open = [stage(origin("churn@3"), "train", 0)]
    put(store, [*OLD, *NEW, *still_open])
    before = read(store)
    assert prune(store, T0 + DAY) == {"cycles": 2, "records": len(OLD)}
    assert prune(store, T0 + DAY) == {"cycles": 0, "records": 0}
    assert read(store) == before == facts_of([*OLD, *NEW, *still_open], NOW)
    assert [one["cycle_id"] for one in read(store, cycle="abc")] == [origin("churn@1").cycle_id]
    assert [one["key"] for one in read(store, model="churn", cycle="churn@1")] == ["churn@1"]
    assert problems(store) == []
    assert sql(store, "SELECT count(*) FROM records") == [(len(NEW) + 1,)]


def test_what_arrives_for_a_pruned_cycle_is_refused_and_counted(store: Store) -> None:
    """Under its id, under an alias', or by claiming it: facts made without the rest would be wrong."""
    claimed = alias(origin("churn@1"), "never seen", 6)
    put(store, [*OLD, claimed])
    before = read(store)
    prune(store, T0 + DAY)
    late: list[Record] = [
        stage(origin("churn@1"), "x", 1, 2),
        stage(origin("abc"), "x", 1, 2),
        stage(origin("never seen"), "x", 1, 2),
        alias(origin("churn@9"), "churn@1", 1),
    ]
    with store.write() as tx:
        assert counted(tx.add([*late, *NEW], NOW)) == (len(NEW), len(late), len(late))
        assert tx.losses().rejected == {PRUNED: len(late)}
    fold(store)
    assert read(store) == sorted([*before, *facts_of(NEW, NOW)], key=lambda one: one["cycle_id"])


@pytest.mark.parametrize("is_own", [True, False])
def test_pruning_forgets_an_alias_only_where_its_own_cycle_retracts_it(store: Store, *, is_own: bool) -> None:
    """Who writes another cycle cannot make an alias of this one free by naming its record."""
    claimed = alias(origin("churn@1", "team"), "never seen", 6)._replace(id="claim")
    retracting = origin("churn@1", "team") if is_own else origin("churn@1", "strangers")
    put(store, [*finished("churn@1", namespace="team"), claimed, Retraction(retracting, "claim", T0 + 7 * SECOND)])
    prune(store, T0 + DAY)
    late = stage(origin("never seen", "team"), "x", 1, 2)
    with store.write() as tx:
        assert counted(tx.add([late], NOW)) == ((1, 0, 0) if is_own else (0, 1, 1))


def test_a_pruned_cycle_has_no_facts_at_instants_that_it_knows_nothing_of(store: Store) -> None:
    put(store, OLD)
    prune(store, T0 + DAY)
    assert read(store, T0 + 50 * SECOND) == []


def test_pruned_facts_outlive_a_change_of_rules(store: Store) -> None:
    put(store, [*OLD, *NEW])
    before = read(store)
    prune(store, T0 + DAY)
    sql(store, "UPDATE meta SET value = 'others'")
    fold(store)
    assert read(store) == before


def test_pruning_goes_in_batches(store: Store) -> None:
    put(store, [record for number in range(1200) for record in finished(f"churn@{number}")])
    assert prune(store, T0 + DAY)["cycles"] == 1200
    assert info(store)["pruned"] == 1200
    assert len(read(store)) == 1200
