"""Journals are read once, from wherever they are, and whatever is wrong in them costs itself only."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.flow.strategies import Example, examples
from tests.sizes import sized
from tests.store.build import NOW, T0, alias, finished, fold, origin, read, sql, stage
from tests.store.wire import HEADER, document, journal, lines

from cycletrace import conventions as c
from cycletrace._internal.flow import Alias, Record, Stage, Wait, facts_of
from cycletrace._internal.flow.records import began
from cycletrace._internal.journal.files import delivered_directory, journal_directory
from cycletrace._internal.journal.format import MAX_LINE, VERSION, frame
from cycletrace._internal.store import FILE, Ingested, Store, ingest, open_store

NOTHING = Ingested(0, 0, 0, ())
RECORDS = [
    *finished("churn@1"),
    *finished("churn@2", 500, namespace="team"),
    alias(origin("churn@1"), "abc123", 5),
    stage(origin("abc123"), "test", 50, 55),
]


@pytest.fixture
def directory(path: Path) -> Path:
    return path.parent


def on_the_wire(record: Record, shift: int) -> Record:
    """A record of the strategies as one that can be sent: of these years, ids of its key, no namespace, no empty text.

    ``shift`` is added to its instants.
    """
    of = record.origin._replace(cycle_id=c.cycle_id("", record.origin.cycle_id), namespace=None)
    if isinstance(record, (Stage, Wait)):
        record = record._replace(start=record.start + shift, end=None if record.end is None else record.end + shift)
    else:
        record = record._replace(at=record.at + shift)
    if isinstance(record, Alias):
        return record._replace(origin=of, key=record.alias_id, alias_id=c.cycle_id("", record.alias_id))
    if isinstance(record, Stage):
        return record._replace(origin=of, environment=record.environment or None)
    return record._replace(origin=of)


@settings(max_examples=sized(60), deadline=None)
@given(example=examples, dice=st.randoms(use_true_random=False))
def test_the_journal_s_way_in_makes_the_facts_of_flow(
    tmp_path_factory: pytest.TempPathFactory, example: Example, dice: random.Random
) -> None:
    """Several writers, any order, repeated, damage in between, read while it grows."""
    shift = T0 - min(map(began, example.records), default=example.at)
    at = example.at + shift
    records = [on_the_wire(record, shift) for record in example.records]
    directory = tmp_path_factory.mktemp("random")
    content = lines([*records, *dice.choices(records, k=3)] if records else [])
    dice.shuffle(content)
    journals = [journal(directory, (), process=process) for process in range(3)]
    with open_store(directory / FILE) as store:
        while content:
            with dice.choice(journals).open("ab") as file:
                file.write(dice.choice((b"", b"", b"torn", b"\0" * 9, b"\n")) + b"\n" + content.pop())
            if dice.random() < 0.3:
                ingest(store, directory)
                with store.write() as tx:
                    tx.refold(at, 10, example.rules)
        ingest(store, directory)
        with store.read() as snapshot:
            found = list(snapshot.facts(at, rules=example.rules))
        assert found == facts_of(records, at, example.rules)


def test_a_journal_is_read_once(store: Store, directory: Path) -> None:
    path = journal(directory, lines(RECORDS))
    assert ingest(store, directory) == Ingested(len(RECORDS), 0, 0, ())
    assert read(store) == facts_of(RECORDS, NOW)
    path.chmod(0)
    assert ingest(store, directory) == NOTHING
    path.chmod(0o600)
    path.write_bytes(b"x" * path.stat().st_size)  # a second reading would find damage
    assert ingest(store, directory) == NOTHING


def test_a_growing_journal_is_read_on(store: Store, directory: Path) -> None:
    """Also one that grows after it was closed in order, as a program's last words may."""
    *first, last = lines(RECORDS)
    path = journal(directory, [*first, frame({"closed": 5})])
    assert ingest(store, directory).new == len(first)
    with path.open("ab") as file:
        file.write(frame(HEADER) + last)
    assert ingest(store, directory) == Ingested(1, 0, 0, ())


def test_a_line_being_written_is_waited_for(store: Store, directory: Path) -> None:
    *first, last = lines(RECORDS)
    path = journal(directory, [*first, last[:30]])
    assert ingest(store, directory) == Ingested(len(first), 0, 0, ())
    assert ingest(store, directory) == NOTHING
    with path.open("ab") as file:
        file.write(last[30:])
    assert ingest(store, directory) == Ingested(1, 0, 0, ())


def test_a_torn_line_is_damage_once_others_follow(store: Store, directory: Path) -> None:
    *first, torn, last = lines(RECORDS)
    path = journal(directory, [*first, torn[:30]])
    ingest(store, directory)
    with path.open("ab") as file:
        file.write(b"\n" + last)
    assert ingest(store, directory) == Ingested(1, 1, 0, ())


@pytest.mark.parametrize("ending", ["next segment", "delivered"])
def test_a_torn_line_is_damage_once_nobody_will_end_it(store: Store, directory: Path, ending: str) -> None:
    *first, torn = lines(RECORDS)
    path = journal(directory, [*first, torn[:30]])
    ingest(store, directory)
    if ending == "delivered":
        delivered_directory(directory).mkdir()
        path.rename(delivered_directory(directory) / path.name)
    else:
        journal(directory, (), segment=1)
    assert ingest(store, directory) == Ingested(0, 1, 0, ())
    assert ingest(store, directory) == NOTHING


def test_damage_costs_itself_only(store: Store, directory: Path) -> None:
    """Flipped bits, zeros, binary, empty lines, deep nesting, lines beyond the limit: counted, and the rest is read."""
    good = lines(RECORDS)
    flipped = bytearray(good[0])
    flipped[40] ^= 1
    damage = [
        bytes(flipped),
        b"\0" * 5000,  # runs into the good line after it, which is saved
        b"\xff\xfe\n",
        b"zzzzzzzz {}\n",
        frame({"a": 1})[9:],
        b"x" * (2 * MAX_LINE + 7) + b"\n",
    ]
    content = [line for pair in zip(damage, good, strict=False) for line in pair] + good[len(damage) :]
    journal(directory, [*content, b"\n", b"\n"])
    assert ingest(store, directory) == Ingested(len(RECORDS), len(damage), 0, ())
    assert read(store) == facts_of(RECORDS, NOW)
    with store.read() as snapshot:
        assert snapshot.losses().damaged == len(damage)


def test_an_endless_line_costs_no_memory_and_is_waited_for(store: Store, directory: Path) -> None:
    path = journal(directory, [b"\0" * (3 * MAX_LINE)])
    assert ingest(store, directory) == NOTHING
    with path.open("ab") as file:
        file.write(b"\n" + lines(RECORDS[:1])[0])
    assert ingest(store, directory) == Ingested(1, 1, 0, ())


def test_bad_records_are_kept_with_their_reason(store: Store, directory: Path) -> None:
    bad = document(RECORDS[0])
    bad["attributes"][c.STAGE_OUTCOME] = "great"
    documents = [bad, {**bad, "attributes": 5}, {"span": "x"}, {"event": c.STAGE_STARTED, "attributes": {}}]
    journal(directory, [*map(frame, documents), *lines(RECORDS)])
    assert ingest(store, directory) == Ingested(len(RECORDS), 0, len(documents), ())
    assert read(store) == facts_of(RECORDS, NOW)
    with store.read() as snapshot:
        assert sum(snapshot.losses().rejected.values()) == len(documents)
    reason, excerpt = sql(store, "SELECT reason, excerpt FROM rejected ORDER BY id")[0]
    assert c.STAGE_OUTCOME in reason
    assert "great" in excerpt


def test_documents_of_other_kinds_are_passed_over(store: Store, directory: Path) -> None:
    journal(directory, [frame({"weather": "fine"}), frame({"closed": 5}), frame({"attributes": {}}), *lines(RECORDS)])
    assert ingest(store, directory) == Ingested(len(RECORDS), 0, 0, ())


@pytest.mark.parametrize("version", [VERSION + 1, "one"])
def test_a_journal_of_another_format_is_left_alone_and_logged_once(
    store: Store, directory: Path, version: object
) -> None:
    path = journal(directory, ())
    path.write_bytes(frame({**HEADER, "journal": version}) + b"".join(lines(RECORDS)))
    good = journal(directory, lines(RECORDS[:1]), process=2)
    assert ingest(store, directory) == Ingested(1, 0, 0, (path.name,))
    with path.open("ab") as file:
        file.write(lines(RECORDS)[0])
    assert ingest(store, directory) == NOTHING
    assert good.exists()


def test_a_damaged_header_costs_itself_only(store: Store, directory: Path) -> None:
    path = journal(directory, ())
    path.write_bytes(b"garbage\n" + b"".join(lines(RECORDS)))
    assert ingest(store, directory) == Ingested(len(RECORDS), 1, 0, ())


def test_journals_move_rotate_and_vanish(store: Store, directory: Path) -> None:
    """A delivered journal is not read again, and one that is gone is forgotten."""
    content = lines(RECORDS)
    path = journal(directory, content[:3])
    ingest(store, directory)
    delivered_directory(directory).mkdir()
    moved = path.rename(delivered_directory(directory) / path.name)
    journal(directory, content[3:], segment=1)
    assert ingest(store, directory) == Ingested(len(content) - 3, 0, 0, ())
    moved.unlink()
    assert ingest(store, directory) == NOTHING
    assert sql(store, "SELECT count(*) FROM sources") == [(1,)]
    assert read(store) == facts_of(RECORDS, NOW)


def test_a_journal_that_became_shorter_is_read_anew(store: Store, directory: Path) -> None:
    journal(directory, lines(RECORDS))
    ingest(store, directory)
    journal(directory, lines(finished("churn@3")))
    assert ingest(store, directory) == Ingested(len(finished("churn@3")), 0, 0, ())


def test_a_long_journal_is_read_in_batches(store: Store, directory: Path) -> None:
    """More lines than one transaction takes."""
    of = origin("churn@1")
    records = [stage(of, "train", second, second + 1) for second in range(2500)]
    journal(directory, lines(records))
    assert ingest(store, directory).new == len(records)
    assert read(store) == facts_of(records, NOW)


def test_no_journals_at_all(store: Store, directory: Path) -> None:
    assert ingest(store, directory) == NOTHING
    assert ingest(store, directory / "missing") == NOTHING
    journal_directory(directory).mkdir()
    (journal_directory(directory) / "x.jsonl").mkdir()
    assert ingest(store, directory) == NOTHING
    fold(store)
    assert read(store, T0) == []
