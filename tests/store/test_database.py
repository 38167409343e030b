"""A store that cannot be used is reported in one sentence, and nothing is touched."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from tests.store.build import NOW, finished, put, read, sql

from cycletrace._internal.flow import facts_of
from cycletrace._internal.store import FILE, Store, StoreError, open_reader, open_store
from cycletrace._internal.store.sqlite import database
from cycletrace._internal.store.sqlite.filesystem import network_type
from cycletrace._internal.store.sqlite.schema import APPLICATION_ID, VERSION


def sentence(error: pytest.ExceptionInfo[StoreError]) -> str:
    text = str(error.value)
    assert text.endswith(".")
    assert "\n" not in text
    return text


def content(directory: Path) -> dict[str, bytes]:
    return {entry.name: entry.read_bytes() for entry in directory.iterdir()}


def opened_both_ways(path: Path) -> list[str]:
    """What is said of a store that can neither be opened to write nor to read; nothing around it changes."""
    before = content(path.parent)
    said = []
    for way in (open_store, open_reader):
        with pytest.raises(StoreError) as error:
            way(path)
        said.append(sentence(error))
    assert content(path.parent) == before
    return said


def test_a_new_store_is_for_its_owner_only(path: Path) -> None:
    with open_store(path) as store:
        put(store, finished("churn@1"))
        assert path.parent.stat().st_mode & 0o777 == 0o700
        assert {entry.stat().st_mode & 0o777 for entry in path.parent.iterdir()} == {0o600}
    assert [entry.name for entry in path.parent.iterdir()] == [FILE]


@pytest.mark.parametrize("name", ["what? #1 50%20.db", "naïve.db", "a&mode=memory"])
def test_a_path_may_hold_any_character(tmp_path: Path, name: str) -> None:
    with open_store(tmp_path / name) as store:
        put(store, finished("churn@1"))
    with open_reader(tmp_path / name) as store:
        assert len(read(store)) == 1
    assert (tmp_path / name).exists()


def test_a_store_says_what_it_is(path: Path) -> None:
    open_store(path).close()
    connection = sqlite3.connect(path)
    assert connection.execute("PRAGMA application_id").fetchone() == (APPLICATION_ID,)
    assert connection.execute("PRAGMA user_version").fetchone() == (VERSION,)
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    connection.close()


def test_a_collector_s_commit_survives_the_loss_of_power(path: Path) -> None:
    """SQLite's own setting for it, since a test cannot pull the plug."""
    for is_durable, level in ((True, 2), (False, 1)):
        with open_store(path, durable=is_durable) as store:
            assert sql(store, "PRAGMA synchronous") == [(level,)]


def test_a_newer_store(path: Path) -> None:
    open_store(path).close()
    connection = sqlite3.connect(path)
    connection.execute(f"PRAGMA user_version = {VERSION + 1}")
    connection.close()
    assert all("upgrade" in said for said in opened_both_ways(path))


def test_a_newer_store_whose_version_is_still_in_the_write_ahead_log(path: Path) -> None:
    with open_store(path) as store:
        sql(store, f"PRAGMA user_version = {VERSION + 1}")
        for way in (open_store, open_reader):
            with pytest.raises(StoreError, match="upgrade"):
                way(path)


@pytest.mark.parametrize(
    "bytes_",
    [b"", b"hello", b"SQLite format 3\0" + bytes(84), os.urandom(5000)],
    ids=["empty", "short", "header alone", "noise"],
)
def test_a_file_that_is_no_store(path: Path, bytes_: bytes) -> None:
    path.parent.mkdir()
    path.write_bytes(bytes_)
    assert all("no store of cycletrace" in said for said in opened_both_ways(path))


def test_somebody_else_s_database(path: Path) -> None:
    path.parent.mkdir()
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE precious (x)")
    connection.close()
    assert all("no store of cycletrace" in said for said in opened_both_ways(path))


def test_a_folder_in_its_place(path: Path) -> None:
    path.mkdir(parents=True)
    for way in (open_store, open_reader):
        with pytest.raises(StoreError) as error:
            way(path)
        assert "directory" in sentence(error)


def test_a_damaged_store(path: Path) -> None:
    with open_store(path) as store:
        put(store, [record for number in range(200) for record in finished(f"churn@{number}")])
    whole = bytearray(path.read_bytes())
    whole[16384:] = os.urandom(len(whole) - 16384)
    path.write_bytes(whole)
    with open_reader(path) as store, pytest.raises(StoreError) as error:
        read(store)
    assert "damaged" in sentence(error)
    with pytest.raises(StoreError, match="damaged"):
        open_store(path)


def test_a_place_where_nothing_can_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match="cannot be made"):
        open_store(tmp_path / "file" / FILE)


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is unwritable for root")
def test_an_unwritable_folder(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(StoreError, match="cannot be made"):
        open_store(tmp_path / FILE)
    tmp_path.chmod(0o700)


WRITES_TOO_MUCH = """
import resource, signal, sys, time
from pathlib import Path
from tests.report.histories import records
from cycletrace._internal.store import StoreError, open_store

with open_store(Path(sys.argv[1])) as store:
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))
    try:
        with store.write() as tx:
            tx.add(records(500), time.time_ns())
    except StoreError as error:
        print(error)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no limit for the size of a file")
def test_a_disk_that_fails_is_not_a_damaged_store(path: Path, store: Store) -> None:
    put(store, finished("churn@1"))
    command = [sys.executable, "-c", WRITES_TOO_MUCH, str(path)]
    done = subprocess.run(command, cwd=Path(__file__).parents[2], capture_output=True, text=True, check=True)
    assert "failed to read or write (disk I/O error). The store is as after the last commit" in done.stdout
    assert read(store) == facts_of(finished("churn@1"), NOW)
    put(store, finished("churn@2"))
    assert len(read(store)) == 2


def test_no_store_to_read(path: Path) -> None:
    with pytest.raises(StoreError, match="no store"):
        open_reader(path)
    assert not path.parent.exists()


def test_a_locked_store(path: Path, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cycletrace._internal.store.sqlite.database._BUSY", 0.01)
    with open_store(path) as other, other.write():
        with pytest.raises(StoreError) as error, open_store(path) as late:
            put(late, finished("churn@1"))
        assert "locked" in sentence(error)
        assert read(store) == []  # who reads is not locked out


def test_a_full_disk(store: Store, path: Path) -> None:
    """SQLite's own limit stands for the disk's. What was there stays, and there is room again."""
    put(store, finished("churn@1"))
    many = [record for number in range(500) for record in finished(f"model@{number}")]
    ((pages,),) = sql(store, "PRAGMA page_count")
    sql(store, f"PRAGMA max_page_count = {pages}")
    with pytest.raises(StoreError) as error:
        put(store, many)
    assert "full" in sentence(error)
    assert read(store) == facts_of(finished("churn@1"), NOW)
    sql(store, "PRAGMA max_page_count = 1000000")
    put(store, many)
    assert len(read(store)) == 501


def test_a_failed_transaction_leaves_nothing(store: Store) -> None:
    def fail() -> None:
        with store.write() as tx:
            tx.add(finished("churn@1"), NOW)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert read(store) == []


def test_many_processes_make_one_store_at_once(path: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from tests.store.build import finished, put\n"
        "from cycletrace._internal.store import open_store\n"
        "with open_store(Path(sys.argv[1])) as store: put(store, finished(sys.argv[2]))"
    )
    root = Path(__file__).parents[2]
    processes = [subprocess.Popen([sys.executable, "-c", script, str(path), f"churn@{n}"], cwd=root) for n in range(4)]
    assert [process.wait() for process in processes] == [0] * 4
    with open_store(path) as store:
        assert len(read(store)) == 4
    assert [entry.name for entry in path.parent.iterdir()] == [FILE]


MOUNTS = """\
/dev/sda1 / ext4 rw 0 0
server:/home /home nfs4 rw 0 0
/dev/sdb1 /home/local ext4 rw 0 0
//nas/team /mnt/team\\040files cifs rw 0 0
sshfs#host: /mnt/ssh fuse.sshfs rw 0 0
/dev/sdc1 /mnt/usb fuseblk rw 0 0
overlay /mnt/box fuse.fuse-overlayfs rw 0 0
tmpfs /mnt/twice tmpfs rw 0 0
server:/x /mnt/twice nfs rw 0 0
odd
"""


@pytest.mark.parametrize(
    ("place", "kind"),
    [
        ("/var/lib/x", None),
        ("/home/ann/.local/state/cycletrace/store.db", "nfs4"),
        ("/home/local/x", None),
        ("/homely/x", None),
        ("/mnt/team files/store.db", "cifs"),
        ("/mnt/ssh/store.db", "fuse.sshfs"),
        ("/mnt/usb/store.db", None),
        ("/mnt/box/store.db", None),
        ("/mnt/twice/store.db", "nfs"),
    ],
)
def test_network_file_systems_are_known_by_their_mounts(tmp_path: Path, place: str, kind: str | None) -> None:
    (tmp_path / "mounts").write_text(MOUNTS)
    assert network_type(Path(place), tmp_path / "mounts") == kind


def test_where_mounts_cannot_be_read_nothing_is_known(tmp_path: Path) -> None:
    assert network_type(tmp_path, tmp_path / "missing") is None


def test_a_store_on_a_network_file_system(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The table of mounts is made up, since a test has no such file system."""
    (tmp_path / "mounts").write_text(f"server:/x {tmp_path} nfs rw 0 0\n")
    monkeypatch.setattr(
        f"{database.__name__}.network_type",
        lambda place: network_type(place, tmp_path / "mounts"),
    )
    for way in (open_store, open_reader):
        with pytest.raises(StoreError) as error:
            way(path)
        assert "network file system (nfs)" in sentence(error)
    assert not path.parent.exists()
