"""A store whose files are removed, replaced or truncated while it is open: no commit succeeds that none could read."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.store.build import NOW, finished, put, read, sql
from tests.store.wire import journal, lines

from cycletrace._internal.flow import facts_of
from cycletrace._internal.store import Store, StoreError, ingest, open_reader, open_store
from cycletrace._internal.store.sqlite.database import SqliteStore


def beside(path: Path, suffix: str) -> Path:
    return path.with_name(path.name + suffix)


def remove(path: Path) -> None:
    path.unlink()


def replace_by_a_copy(path: Path) -> None:
    shutil.copy(path, beside(path, ".copy"))
    beside(path, ".copy").replace(path)


def truncate(path: Path) -> None:
    os.truncate(path, 0)


def cut(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def remove_folder(path: Path) -> None:
    shutil.rmtree(path.parent)


def remake_folder(path: Path) -> None:
    shutil.rmtree(path.parent)
    open_store(path).close()


HARM: list[tuple[str, Callable[[Path], None]]] = [
    ("", remove),
    ("", replace_by_a_copy),
    ("", truncate),
    ("", cut),
    ("", remove_folder),
    ("", remake_folder),
    ("-wal", remove),
    ("-wal", replace_by_a_copy),
    ("-wal", truncate),
    ("-wal", cut),
    ("-shm", remove),
    ("-shm", replace_by_a_copy),
]
EVERY_HARM = pytest.mark.parametrize(
    ("suffix", "harm"), HARM, ids=[f"{harm.__name__} {suffix or 'file'}" for suffix, harm in HARM]
)


def elsewhere(path: Path, statements: list[str]) -> None:
    """Do something with the store in a process of its own, by SQLite alone."""
    script = (
        "import sqlite3, sys\nc = sqlite3.connect(sys.argv[1], isolation_level=None)\n"
        "for statement in sys.argv[2:]: c.execute(statement).fetchall()\nc.close()"
    )
    subprocess.run([sys.executable, "-c", script, str(path), *statements], check=True, timeout=60)


@EVERY_HARM
def test_what_was_done_before_a_commit_is_noticed(
    store: Store, path: Path, suffix: str, harm: Callable[[Path], None]
) -> None:
    put(store, finished("churn@1"))
    harm(beside(path, suffix))
    for _ in range(2):
        with pytest.raises(StoreError, match="was removed, replaced or truncated while it was open"):
            put(store, finished("churn@2"))


@EVERY_HARM
def test_what_is_done_before_the_end_of_a_transaction_is_noticed(
    store: Store, path: Path, suffix: str, harm: Callable[[Path], None]
) -> None:
    put(store, finished("churn@1"))

    def write() -> None:
        with store.write():
            sql(store, "INSERT INTO meta (name, value) VALUES ('x', 'y')")
            harm(beside(path, suffix))

    with pytest.raises(StoreError, match="was removed, replaced or truncated while it was open"):
        write()


@pytest.mark.parametrize("suffix", ["", "-wal", "-shm"])
def test_what_is_done_in_the_moment_of_the_commit_is_noticed(store: Store, path: Path, suffix: str) -> None:
    put(store, finished("churn@1"))

    def harm(statement: str) -> None:
        if statement == "COMMIT":
            beside(path, suffix).unlink()

    def write() -> None:
        with store.write():
            sql(store, "INSERT INTO meta (name, value) VALUES ('x', 'y')")
            assert isinstance(store, SqliteStore)
            store._connection.set_trace_callback(harm)

    with pytest.raises(StoreError, match="was removed"):
        write()


@pytest.mark.parametrize("suffix", ["", "-wal", "-shm"])
def test_files_that_are_put_back_are_written_again(store: Store, path: Path, suffix: str) -> None:
    put(store, finished("churn@1"))
    file = beside(path, suffix)
    file.rename(beside(path, ".away"))
    with pytest.raises(StoreError, match="put the files back"):
        put(store, finished("churn@2"))
    beside(path, ".away").rename(file)
    put(store, finished("churn@3"))
    with open_reader(path) as reader:
        assert read(reader) == facts_of([*finished("churn@1"), *finished("churn@3")], NOW)


def test_a_folder_that_is_put_back_is_written_again(store: Store, path: Path, tmp_path: Path) -> None:
    put(store, finished("churn@1"))
    path.parent.rename(tmp_path / "away")
    with pytest.raises(StoreError, match="put the files back"):
        put(store, finished("churn@2"))
    (tmp_path / "away").rename(path.parent)
    put(store, finished("churn@3"))
    assert len(read(store)) == 2


def test_what_was_committed_before_the_log_was_removed_survives(store: Store, path: Path, tmp_path: Path) -> None:
    put(store, finished("churn@1"))
    beside(path, "-wal").unlink()
    with pytest.raises(StoreError, match="was removed"):
        put(store, finished("churn@2"))
    shutil.copy(path, tmp_path / "after kill -9.db")
    with open_store(tmp_path / "after kill -9.db") as left:
        assert read(left) == facts_of(finished("churn@1"), NOW)


@pytest.mark.parametrize(
    "statements",
    [
        ["SELECT count(*) FROM records"],
        ["PRAGMA wal_checkpoint(PASSIVE)"],
        ["PRAGMA wal_checkpoint(TRUNCATE)"],
        ["DELETE FROM records", "VACUUM"],
        ["DELETE FROM records", "VACUUM", "PRAGMA wal_checkpoint(TRUNCATE)"],
    ],
)
def test_what_other_processes_rightfully_do_is_no_harm(store: Store, path: Path, statements: list[str]) -> None:
    put(store, [record for number in range(200) for record in finished(f"churn@{number}")])
    for number in range(200, 205):
        elsewhere(path, statements)
        put(store, finished(f"churn@{number}"))
    with open_reader(path) as reader, reader.read() as snapshot:
        assert snapshot.counts(NOW)["cycles"] == 205


def test_a_log_that_another_process_empties_while_one_waits_to_write_is_no_harm(store: Store, path: Path) -> None:
    put(store, finished("churn@0"))
    script = (
        f"import sqlite3, time\nc = sqlite3.connect({str(path)!r}, isolation_level=None, timeout=20)\n"
        "print(flush=True)\nuntil = time.monotonic() + 2\n"
        "while time.monotonic() < until: c.execute('PRAGMA wal_checkpoint(TRUNCATE)').fetchall()"
    )
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        count = 0
        while process.poll() is None:
            count += 1
            put(store, finished(f"churn@{count}"), fold_at=None)
    assert count > 10
    with open_reader(path) as reader:
        assert len(read(reader)) == count + 1


def test_a_log_that_sqlite_cuts_to_its_limit_is_no_harm(store: Store, path: Path) -> None:
    with open_reader(path) as reader, reader.read():
        sql(reader, "SELECT * FROM meta")  # it keeps the log from beginning anew
        with store.write():
            sql(store, "CREATE TABLE filler (x)")
            for _ in range(100):
                sql(store, "INSERT INTO filler VALUES (zeroblob(1000000))")
    assert beside(path, "-wal").stat().st_size > 100_000_000
    for number in range(3):
        put(store, finished(f"churn@{number}"))
    assert beside(path, "-wal").stat().st_size < 70_000_000
    assert len(read(store)) == 3


def test_a_store_reached_by_a_link_is_watched_where_it_lies(path: Path, tmp_path: Path) -> None:
    open_store(path).close()
    link = tmp_path / "link.db"
    link.symlink_to(path)
    with open_store(link) as store:
        put(store, finished("churn@1"))
        beside(path, "-wal").unlink()
        with pytest.raises(StoreError, match="was removed"):
            put(store, finished("churn@2"))


def test_the_log_of_a_store_that_is_gone_is_not_written_into_a_new_one(path: Path) -> None:
    with open_store(path) as store:
        put(store, [record for number in range(200) for record in finished(f"churn@{number}")])
        sql(store, "PRAGMA wal_checkpoint")
        put(store, finished("lost@1"))
        log = beside(path, "-wal").read_bytes()
        path.unlink()
    with open_store(path) as store:
        assert read(store) == []
        put(store, finished("churn@1"))
    with open_reader(path) as reader:
        assert read(reader) == facts_of(finished("churn@1"), NOW)
    (aside,) = path.parent.glob("*-wal.*")
    assert aside.read_bytes() == log, "it may be wanted, if the store turns up"


def test_the_log_of_a_store_that_was_replaced_is_not_written_into_the_other_one(path: Path, tmp_path: Path) -> None:
    with open_store(tmp_path / "other.db") as other:
        put(other, finished("other@1"))
    with open_store(path) as store:
        put(store, [record for number in range(200) for record in finished(f"churn@{number}")])
        (tmp_path / "other.db").replace(path)
    with open_store(path) as store:
        assert read(store) == facts_of(finished("other@1"), NOW)
    check = sqlite3.connect(path)
    assert check.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    check.close()


def test_an_ingestion_into_a_store_that_is_gone_is_not_called_a_success(store: Store, path: Path) -> None:
    directory = path.parent
    journal(directory, lines(finished("churn@1")))
    path.unlink()
    with pytest.raises(StoreError, match="was removed"):
        ingest(store, directory)
    with open_store(path) as new:
        assert ingest(new, directory).new == len(finished("churn@1")), "it is read in again"
