"""A store and journals that an earlier version made, and a vocabulary that grew since."""

from __future__ import annotations

import gzip
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.cli.commands import Shell
from tests.store.build import sql

from cycletrace._internal.flow import FACTS_VERSION, Facts
from cycletrace._internal.store import FILE, Ingested, Store, ingest, open_reader, open_store, prune

FIXTURES = Path(__file__).with_name("fixtures")
EXPECTED: dict[str, dict[str, list[Facts]]] = json.loads((FIXTURES / "expected.json").read_text(encoding="utf-8"))
(NOW,) = map(int, EXPECTED["store_alone"])

GROWN = """
from cycletrace import conventions as c
c.PART_OF_KIND = {**c.PART_OF_KIND, "evaluate": c.TRAINING, "monitor": c.DEPLOYMENT}
c.KINDS = (*c.PART_OF_KIND, c.OTHER)
c.REASONS = (*c.REASONS, "budget")
c.ACTIVITIES = (*c.ACTIVITIES[:-1], "wait.budget", c.UNEXPLAINED)
from cycletrace._internal.cli.main import main
"""
"""Another vocabulary, before anything else is imported."""


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """A state directory as the earlier version left it."""
    state = tmp_path / "state"
    shutil.copytree(FIXTURES / "journal", state / "journal")
    (state / FILE).write_bytes(gzip.decompress((FIXTURES / "store.db.gz").read_bytes()))
    return state


def facts_at(store: Store, at: int) -> list[Facts]:
    with store.read() as snapshot:
        return list(snapshot.facts(at))


def refold(store: Store) -> None:
    with store.write() as tx:
        while tx.refold(NOW, 100):
            pass


def test_it_is_opened_ingested_and_folded(directory: Path) -> None:
    with open_store(directory / FILE) as store:
        with store.read() as snapshot:
            assert snapshot.losses() == (1, snapshot.losses().rejected)
            assert snapshot.counts(NOW)["pruned"] == 1
        assert ingest(store, directory).new > 20
        assert ingest(store, directory) == Ingested(0, 0, 0, ())
        refold(store)
        for at, expected in EXPECTED["with_journals"].items():
            assert facts_at(store, int(at)) == expected
        with store.read() as snapshot:
            assert list(snapshot.problems()) == []
            assert not snapshot.is_outdated()


def test_it_is_read_as_it_is_and_is_not_changed(directory: Path) -> None:
    content = (directory / FILE).read_bytes()
    with open_reader(directory / FILE) as store:
        assert facts_at(store, NOW) == EXPECTED["store_alone"][str(NOW)]
        with store.read() as snapshot:
            assert snapshot.is_outdated()
    assert (directory / FILE).read_bytes() == content


def test_what_a_collector_kept_is_still_there(directory: Path) -> None:
    with open_store(directory / FILE) as store, store.write() as tx:
        assert [one["key"] for one in tx.all_observed()] == ["churn@3", "churn@0"]
        assert [parcel.body for parcel in tx.waiting("http://backend:4318", 10)] == [b"\1\2"]
        observed = next(one for one in tx.all_observed() if one["key"] == "churn@3")
        assert not tx.revise(observed["cycle_id"], NOW, observed)


def outdate(store: Store) -> None:
    """Have all facts that are kept made by a version that lacked a part, a mark and an activity."""
    for table in ("cycles", "observed"):
        sql(
            store,
            f"UPDATE {table} SET facts = json_remove(facts, "
            "'$.parts_ns.activation', '$.marks.trained', '$.activity_ns.\"wait.external\"')",
        )
    sql(store, "UPDATE meta SET value = replace(value, ?, '0-words') WHERE name = 'rules'", FACTS_VERSION)


def test_facts_of_another_version_are_made_anew_when_it_is_opened_for_writing(directory: Path) -> None:
    def whole(one: Facts) -> bool:
        return (len(one["parts_ns"]), len(one["marks"]), len(one["activity_ns"] or {})) == (4, 5, 8)

    with open_store(directory / FILE) as store:
        refold(store)
        outdate(store)
        assert prune(store, NOW)["cycles"] > 1
    with open_store(directory / FILE) as store:
        assert sql(store, "SELECT count(*) FROM cycles WHERE facts IS NOT NULL AND NOT pruned") == [(0,)]
        found = facts_at(store, NOW)
        assert len(found) == len(EXPECTED["store_alone"][str(NOW)])
        assert all(whole(one) for one in found if one["activity_ns"] is not None), "also of pruned cycles"
        with store.read() as snapshot:
            assert all(map(whole, snapshot.all_observed()))


def test_nothing_is_pruned_whose_facts_are_to_be_made_anew(directory: Path) -> None:
    with open_store(directory / FILE) as store:
        assert prune(store, NOW) == {"cycles": 0, "records": 0}
        refold(store)
        assert prune(store, NOW)["cycles"] > 0


@pytest.fixture
def grown(directory: Path) -> Callable[..., str]:
    """A command of a version that knows more words."""
    shell = Shell(directory.parent)

    def run(*arguments: str) -> str:
        result = shell.python(f"{GROWN}\nraise SystemExit(main({list(arguments)!r}))")
        assert result.code == 0, result.err
        return result.out

    return run


def test_a_word_more_in_the_vocabulary_and_a_kind_moved(grown: Callable[..., str], directory: Path) -> None:
    at = "2027-01-15T08:00:00Z"
    Shell(directory.parent).facts()  # kept by the version before
    cycles = [json.loads(line) for line in grown("facts", "--at", at).splitlines()]
    assert len(cycles) == len(EXPECTED["with_journals"][str(NOW)])
    for cycle in cycles:
        assert cycle["activity_ns"] is None or cycle["activity_ns"]["wait.budget"] == 0
        assert {run["part"] for run in cycle["stages"] if run["kind"] == "evaluate"} <= {"training"}
    json.loads(grown("report", "--json", "--window", "all", "--at", at))
    assert grown("status", "--at", at)
    assert "intact" in grown("store", "check")
