"""State directories that are unwritable, full or deleted, and their permissions."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from tests.journals import PATIENT, Journal, Node, environment, run_script

from cycletrace import conventions as c
from cycletrace._internal.journal.files import is_closed, read_header
from cycletrace._internal.journal.format import unframe
from cycletrace.testing import FakeCollector

LOGGED = """
import logging, sys
logging.basicConfig(stream=sys.stderr, format="%(name)s %(levelname)s %(message)s")
"""

TWO_STAGES = f"""{LOGGED}
import cycletrace as ct
with ct.cycle("churn", "7"):
    with ct.stage("train"):
        pass
    with ct.stage("deploy"):
        pass
print("done")
"""


@pytest.fixture(params=["a file", "below a file", "read-only"])
def unwritable(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A state directory that cannot be written, by root either."""
    if request.param == "read-only":
        return Path("/proc/cycletrace")
    (tmp_path / "file").touch()
    return tmp_path / "file" if request.param == "a file" else tmp_path / "file" / "state"


def run(script: str, directory: Path, folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", script],
        env=environment(directory, **variables),
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_an_unwritable_directory_is_logged_once(unwritable: Path, tmp_path: Path) -> None:
    done = run(TWO_STAGES, unwritable, tmp_path)
    assert (done.returncode, done.stdout) == (0, "done\n")
    assert done.stderr.startswith(f"cycletrace WARNING The journal in {unwritable / 'journal'} is not writable: ")
    assert done.stderr.count("\n") == 1


def test_records_reach_the_endpoint_from_an_unwritable_directory(unwritable: Path, tmp_path: Path) -> None:
    with FakeCollector() as collector:
        done = run(PATIENT + TWO_STAGES, unwritable, tmp_path, OTEL_EXPORTER_OTLP_ENDPOINT=collector.endpoint)
    assert (done.returncode, done.stdout) == (0, "done\n")
    assert collector.names() == ["deploy", "train"]


EVICTED = f"""{LOGGED}
import time
import cycletrace as ct
with ct.cycle("churn", "7"), ct.stage("train"):
    with ct.stage("load", kind="data"):
        pass
    print("loaded", flush=True)
    time.sleep(60)
"""


def test_records_in_memory_are_delivered_before_a_kill(unwritable: Path, tmp_path: Path) -> None:
    with FakeCollector() as collector:
        program = subprocess.Popen(
            [sys.executable, "-c", EVICTED],
            env=environment(unwritable, OTEL_EXPORTER_OTLP_ENDPOINT=collector.endpoint),
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        assert collector.wait_for(1)
        assert collector.wait_for(2, "logs")
        program.send_signal(signal.SIGTERM)
        assert program.wait(60) == -signal.SIGTERM
    assert collector.names() == ["load"]
    assert {record.attributes["cycletrace.stage.name"] for record in collector.logs} == {"load", "train"}


FULL = f"""{LOGGED}
import resource, signal
import cycletrace as ct

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
for number in range(100):
    if number == 20:
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, resource.RLIM_INFINITY))  # the disk is full
    if number == 80:
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    with ct.stage(f"stage {{number}}"):
        pass
print("done")
"""


def test_records_wait_in_memory_until_there_is_space(tmp_path: Path) -> None:
    done = run_script(FULL, tmp_path / "state")
    assert (done.returncode, done.stdout) == (0, "done\n")
    assert "is not writable" in done.stderr
    whole, torn = [], 0
    for path in (tmp_path / "state" / "journal").glob("*.jsonl"):
        for line in path.read_bytes().splitlines():
            try:
                whole.append(unframe(line))
            except ValueError:
                torn += 1
    names = [document["span"] for document in whole if "span" in document and c.DERIVED not in document["attributes"]]
    assert sorted(names) == sorted(f"stage {number}" for number in range(100)), "each once"
    assert torn <= 1, "what was being written as the disk filled up, and was written again"


DELETED = f"""{LOGGED}
import os, shutil
import cycletrace as ct

with ct.cycle("churn", "7"):
    with ct.stage("before"):
        pass
    with ct.stage("meanwhile"):
        shutil.rmtree(os.environ["CYCLETRACE_DIR"])
    with ct.stage("after"):
        pass
print("done")
"""


def test_a_directory_deleted_while_in_use_loses_nothing(tmp_path: Path) -> None:
    done = run_script(DELETED, tmp_path / "state")
    assert (done.returncode, done.stdout) == (0, "done\n")
    folder = tmp_path / "state" / "journal"
    warning = f"The directory {folder} was deleted while in use. This process rewrites its records."
    assert done.stderr == f"cycletrace WARNING {warning}\n"
    assert Journal(tmp_path / "state").trees() == [Node("before"), Node("meanwhile"), Node("after")]


REMOVED = """
import os
from pathlib import Path
import cycletrace as ct

with ct.stage("before"):
    pass
for path in Path(os.environ["CYCLETRACE_DIR"], "journal").glob("*.jsonl"):
    path.unlink()
ct.flush()
with ct.stage("after"):
    pass
"""


def test_a_journal_that_was_removed_stays_away_and_another_goes_on(tmp_path: Path) -> None:
    with FakeCollector() as collector:
        done = run_script(REMOVED, tmp_path / "state", OTEL_EXPORTER_OTLP_ENDPOINT=collector.endpoint)
    assert (done.returncode, done.stderr) == (0, "")
    assert Journal(tmp_path / "state").names() == ["after"]
    assert "after" in collector.names()


def test_only_the_owner_can_read_journals(tmp_path: Path) -> None:
    done = run_script(f"import os; os.umask(0)\n{TWO_STAGES}", tmp_path / "state")
    assert done.returncode == 0
    modes = {path.is_dir(): path.stat().st_mode & 0o777 for path in (tmp_path / "state").rglob("*")}
    assert modes == {True: 0o700, False: 0o600}
    assert (tmp_path / "state").stat().st_mode & 0o777 == 0o700


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder to somebody else")
@pytest.mark.parametrize("name", ["", "journal", "journal/delivered"])
def test_a_directory_of_another_user_is_rejected_with_one_line(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "state" / name
    folder.mkdir(parents=True, mode=0o700)
    os.chown(folder, 65534, -1)
    done = run(TWO_STAGES, tmp_path / "state", tmp_path)
    assert (done.returncode, done.stdout) == (0, "done\n")
    assert f"{folder} belongs to another user (uid 65534)" in done.stderr
    assert done.stderr.count("\n") == 1
    assert not list((tmp_path / "state").rglob("*.jsonl"))


@pytest.mark.parametrize("name", ["", "journal", "journal/delivered"])
def test_a_directory_writable_by_others_is_rejected_with_one_line(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "state" / name
    folder.mkdir(parents=True)
    folder.chmod(0o777)
    with FakeCollector() as collector:
        done = run(PATIENT + TWO_STAGES, tmp_path / "state", tmp_path, OTEL_EXPORTER_OTLP_ENDPOINT=collector.endpoint)
    assert (done.returncode, done.stdout) == (0, "done\n")
    assert f"{folder} is writable by other users" in done.stderr
    assert done.stderr.count("\n") == 1
    assert not [path for path in (tmp_path / "state").rglob("*") if path.is_file()]
    assert collector.names() == ["deploy", "train"], "the endpoint gets it all the same"


def test_a_folder_of_journals_behind_a_link_is_refused(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "state").mkdir(mode=0o700)
    (tmp_path / "state" / "journal").symlink_to(tmp_path / "elsewhere")
    done = run(TWO_STAGES, tmp_path / "state", tmp_path)
    assert (done.returncode, done.stdout) == (0, "done\n")
    assert "journal is a symbolic link, which cycletrace does not follow" in done.stderr
    assert list((tmp_path / "elsewhere").iterdir()) == []


ROTATED = """
from cycletrace._internal.journal import writer
writer.SEGMENT = 4_000
import cycletrace as ct
for number in range(20):
    with ct.stage(f"stage {number}"):
        pass
"""


def test_a_journal_goes_on_in_segments(tmp_path: Path) -> None:
    assert run_script(ROTATED, tmp_path / "state").returncode == 0
    segments = sorted((tmp_path / "state" / "journal").glob("*.jsonl"))
    assert [path.stem.rpartition("-")[2] for path in segments] == [f"{n:04d}" for n in range(len(segments))]
    assert len(segments) > 3
    assert all(path.stat().st_size < 6_000 for path in segments)
    assert all(read_header(path) and is_closed(path) for path in segments)
    assert Journal(tmp_path / "state").names() == [f"stage {number}" for number in range(20)]
