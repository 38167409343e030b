"""Root spans that programs write at their end, for backends without a collector of cycletrace before them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.journals import Journal, environment, run_script

from cycletrace import conventions as c
from cycletrace import facts
from cycletrace._internal.journal.orphans import close_orphans

IMPLICIT = """
import cycletrace as ct
with ct.stage("data"), ct.waiting("data"):
    pass
with ct.stage("train"):
    pass
"""


def only(directory: Path) -> Any:
    (root,) = Journal(directory).roots()
    return root


def assert_encloses(root: Any, spans: list[Any]) -> None:
    """It is the root of their trace, and begins and ends with them, but for the moment in which a cycle is created."""
    assert {(span["trace_id"], root["span_id"]) for span in spans} == {
        (root["trace_id"], c.root_span_id(root["trace_id"]))
    }
    start, end = min(span["start"] for span in spans), max(span["end"] for span in spans)
    assert root["start"] <= start
    assert end <= root["end"] <= end + c.SHORT_NS


def test_a_program_writes_the_root_of_its_implicit_cycle(tmp_path: Path) -> None:
    assert run_script(IMPLICIT, tmp_path / "state").returncode == 0
    root, spans = only(tmp_path / "state"), Journal(tmp_path / "state").spans()
    assert_encloses(root, spans)
    assert root["parent_span_id"] is None
    attributes = root["attributes"]
    assert (attributes[c.DERIVED], attributes[c.CYCLE_IMPLICIT]) == (True, True)
    assert root["span"] == c.cycle_span(attributes[c.CYCLE_KEY])
    assert c.STAGE_NAME not in attributes


def test_it_is_no_record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert run_script(IMPLICIT, tmp_path / "state").returncode == 0
    assert only(tmp_path / "state")
    monkeypatch.setenv("CYCLETRACE_DIR", str(tmp_path / "state"))
    (found,) = facts()
    assert (len(found["stages"]), len(found["waits"]), found["flags"]) == (2, 1, {})


@pytest.mark.parametrize("way", ["exception", "sys.exit", "SIGKILL", "os._exit"])
def test_there_is_one_root_however_the_program_ends(tmp_path: Path, way: str) -> None:
    """After an end without an exit handler, whoever ends its stages writes it."""
    ends = {
        "exception": "raise ValueError",
        "sys.exit": "import sys; sys.exit(3)",
        "SIGKILL": "import os; os.kill(os.getpid(), 9)",
        "os._exit": "import os; os._exit(0)",
    }
    run_script(f"{IMPLICIT}\nwith ct.stage('test'):\n    {ends[way]}", tmp_path / "state")
    close_orphans(tmp_path / "state")
    close_orphans(tmp_path / "state")
    spans = Journal(tmp_path / "state").spans()
    assert [span["span"] for span in spans] == ["wait data", "data", "train", "test"]
    assert_encloses(only(tmp_path / "state"), spans)


CHILDREN = f"""
import multiprocessing, os, sys
{IMPLICIT.strip()}

def work():
    with ct.stage("evaluate"):
        pass

if __name__ == "__main__":
    with ct.stage("select"):
        process = multiprocessing.get_context("fork").Process(target=work)
        process.start()
        process.join()
        os.system(f"{{sys.executable}} -c 'import cycletrace as ct; ct.stage(\\"test\\")(lambda: None)()'")
"""


def test_children_leave_the_root_to_the_program_that_created_the_cycle(tmp_path: Path) -> None:
    assert run_script(CHILDREN, tmp_path / "state").returncode == 0
    spans = Journal(tmp_path / "state").spans()
    assert {"evaluate", "test", "select"} <= {span["span"] for span in spans}
    assert_encloses(only(tmp_path / "state"), spans)


def test_a_killed_child_gets_no_root(tmp_path: Path) -> None:
    script = (
        f"{IMPLICIT}\nimport os\npid = os.fork()\nif not pid:\n    ct.stage('test')(os._exit)(0)\nos.waitpid(pid, 0)"
    )
    assert run_script(script, tmp_path / "state").returncode == 0
    close_orphans(tmp_path / "state")
    assert "test" in Journal(tmp_path / "state").names()
    assert only(tmp_path / "state")


NAMED = """
import cycletrace as ct
with ct.cycle("churn", "7"):
    with ct.stage("{first}"):
        pass
    {end}
"""


@pytest.mark.parametrize(
    ("first", "end", "sender", "count"),
    [
        ("train", "ct.mark('in_use')", "sdk", 1),
        ("train", "ct.served('churn', '7')", "sdk", 1),
        ("train", "ct.current_cycle().close('abandoned')", "sdk", 1),
        ("train", "ct.stage('activate')(lambda: None)()", "sdk", 1),
        ("train", "pass", "sdk", 0),
        ("train", "ct.stage('activate', environment='staging')(lambda: None)()", "sdk", 0),
        ("deploy", "ct.mark('in_use')", "sdk", 0),
        ("train", "ct.mark('in_use')", "collector", 0),
    ],
)
def test_of_a_named_cycle_it_is_written_if_asked_for_where_start_and_end_are_known(
    tmp_path: Path, first: str, end: str, sender: str, count: int
) -> None:
    script = NAMED.format(first=first, end=end)
    assert run_script(script, tmp_path / "state", CYCLETRACE_ROOT=sender).returncode == 0
    roots = Journal(tmp_path / "state").roots()
    assert len(roots) == count
    for root in roots:
        assert root["span"] == "cycle churn@7"
        assert_encloses(root, Journal(tmp_path / "state").spans())


def test_while_a_program_runs_there_is_no_root(tmp_path: Path) -> None:
    script = f"{IMPLICIT}\nprint('ready', flush=True)\ninput()"
    process = subprocess.Popen(
        [sys.executable, "-c", script],
        env=environment(tmp_path / "state"),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert process.stdout is not None
    assert process.stdin is not None
    assert process.stdout.readline() == b"ready\n"
    close_orphans(tmp_path / "state")
    assert Journal(tmp_path / "state").roots() == []
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    process.stdin.close()
    process.stdout.close()
    close_orphans(tmp_path / "state")
    assert only(tmp_path / "state")
