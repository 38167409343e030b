"""One store, several processes: readers beside writers, and writers that are killed at any moment."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from tests.store.build import NOW, finished, fold, put, read, sql
from tests.store.wire import journal, lines

from cycletrace._internal.flow import facts_of
from cycletrace._internal.store import Ingested, Store, ingest, open_reader, open_store

ROOT = Path(__file__).parents[2]


@contextmanager
def writing(*arguments: str) -> Generator[subprocess.Popen[str], None, None]:
    """A writer that is killed at the end of the block, at the latest."""
    command = [sys.executable, "-m", "tests.store.writer", *arguments]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


def said(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def test_readers_see_whole_commits_while_another_process_writes(path: Path) -> None:
    with writing(str(path), "churn") as process:
        said(process)
        with open_reader(path) as store:
            seen = 0
            while seen < 30:
                found = read(store)
                assert all(len(one["stages"]) == 2 and one["cycle_time_ns"] == 100 * 10**9 for one in found)
                assert len(found) >= seen
                seen = len(found)


def test_what_a_reader_began_to_read_does_not_change_under_it(store: Store, path: Path) -> None:
    put(store, [*finished("churn@1"), *finished("churn@2")])
    with open_reader(path) as other:
        with other.read() as snapshot:
            reading = snapshot.facts(NOW)
            first = next(reading)
            put(store, finished("churn@3"))
            assert [first, *reading] == facts_of([*finished("churn@1"), *finished("churn@2")], NOW)
        assert len(read(other)) == 3


def test_a_reader_folds_what_nobody_has_folded(store: Store, path: Path) -> None:
    put(store, finished("churn@1"), fold_at=None)
    with open_reader(path) as other:
        assert read(other) == facts_of(finished("churn@1"), NOW)
    assert sql(store, "SELECT facts FROM cycles") == [(None,)]


def test_to_open_it_a_second_time_does_not_let_go_of_it(store: Store, path: Path) -> None:
    """Else the next process to close it, as the last one for all it knows, would remove the write-ahead log."""
    put(store, finished("churn@1"))
    open_reader(path).close()
    open_store(path).close()
    (path.parent / "link.db").symlink_to(path)
    open_reader(path.parent / "link.db").close()
    for number in (2, 3):
        assert len(read_by_another_process(path)) == number - 1
        put(store, finished(f"churn@{number}"))
    assert len(read_by_another_process(path)) == 3


def read_by_another_process(path: Path) -> list[str]:
    """The facts that a process reads that opens the store to write it, too."""
    code = f"""
from pathlib import Path
from cycletrace._internal.store import open_store
with open_store(Path({str(path)!r})) as store, store.read() as snapshot:
    for one in snapshot.facts({NOW}):
        print(one["key"])
"""
    return subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.splitlines()


def test_two_writers_at_once(path: Path) -> None:
    with writing(str(path), "one") as one, writing(str(path), "two") as two:
        for _ in range(20):
            said(one)
            said(two)
    with open_reader(path) as store:
        models = [(facts["key"] or "").split("@")[0] for facts in read(store)]
    assert min(models.count("one"), models.count("two")) >= 20


def test_what_was_committed_survives_kill_9(path: Path) -> None:
    """Whatever the moment: all that was said to be committed is there, whole, and nothing half."""
    dice = random.Random(7)
    records = []
    for attempt in range(12):
        with writing(str(path), f"m{attempt}") as process:
            last = -1
            for _ in range(dice.randint(1, 15)):
                last = int(said(process))
            time.sleep(dice.random() / 100)
            process.send_signal(signal.SIGKILL)
            process.wait()
        with open_store(path) as store:
            come = sum((one["key"] or "").startswith(f"m{attempt}@") for one in read(store))
            assert come > last
            records += [record for number in range(come) for record in finished(f"m{attempt}@{number}", number)]
            assert read(store) == facts_of(records, NOW)
            fold(store)
            assert read(store) == facts_of(records, NOW)


def test_an_ingestion_that_is_killed_is_gone_on_with(path: Path) -> None:
    """No record twice, none left out, no damage counted twice."""
    dice = random.Random(7)
    records = [record for number in range(3000) for record in finished(f"churn@{number}", number)]
    content = lines(records)
    content[5000:5000] = [b"damage\n"] * 3
    journal(path.parent, content[:6000], process=1)
    journal(path.parent, content[6000:], process=2)
    for _ in range(6):
        with writing("--ingest", str(path)) as process:
            assert said(process) == "reading"
            time.sleep(dice.random() / 10)
    with open_store(path) as store:
        ingest(store, path.parent)
        assert ingest(store, path.parent) == Ingested(0, 0, 0, ())
        with store.read() as snapshot:
            assert snapshot.losses().damaged == 3
            assert snapshot.counts(NOW)["records"] == len(records)


def test_two_who_ingest_at_once_count_nothing_twice(path: Path) -> None:
    records = [record for number in range(1000) for record in finished(f"churn@{number}", number)]
    journal(path.parent, [*lines(records), b"damage\n"])
    with writing("--ingest", str(path)) as one, writing("--ingest", str(path)) as two:
        new = 0
        for process in (one, two):
            assert said(process) == "reading"
        for process in (one, two):
            new += int(said(process))
    assert new == len(records)
    with open_reader(path) as store, store.read() as snapshot:
        assert snapshot.losses().damaged == 1
