"""pytest as the framework: a run of a suite, in a process of its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.journals import Journal, environment

SUITE = """
import os
import pytest

FAILS = "FAILS" in os.environ

def test_one(): pass
def test_two(): pass
def test_three(): assert not FAILS
@pytest.mark.skip
def test_skipped(): pass
@pytest.fixture
def database():
    if FAILS:
        raise OSError("no database")
def test_four(database): pass
"""


def run(folder: Path, *options: str, **variables: str) -> subprocess.CompletedProcess[str]:
    (folder / "test_suite.py").write_text(SUITE)
    (folder / "pytest.ini").write_text("[pytest]\n")
    env = {**environment(folder / "state"), **variables}
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "test_suite.py", *options]
    return subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, timeout=100, check=False)


def stages(folder: Path) -> list[dict[str, Any]]:
    spans = Journal(folder / "state").spans()
    return [span["attributes"] for span in spans if "cycletrace.stage.outcome" in span["attributes"]]


@pytest.mark.parametrize("options", [(), ("-n2",)])
def test_a_run_in_a_cycle_is_a_test_stage_with_its_counts(tmp_path: Path, options: tuple[str, ...]) -> None:
    done = run(tmp_path, *options, CYCLETRACE_CYCLE="churn@7")
    assert done.returncode == 0, done.stdout
    (stage,) = stages(tmp_path)
    assert stage["cycletrace.stage.name"] == "pytest"
    assert stage["cycletrace.stage.kind"] == "test"
    assert stage["cycletrace.stage.outcome"] == "ok"
    assert stage["cycletrace.cycle.key"] == "churn@7"
    counts = {name: stage[name] for name in stage if name.startswith("test.")}
    assert counts == {"test.passed": 4, "test.failed": 0, "test.error": 0, "test.skipped": 1}


def test_a_run_that_fails_is_an_error(tmp_path: Path) -> None:
    assert run(tmp_path, CYCLETRACE_CYCLE="churn@7", FAILS="1").returncode == 1
    (stage,) = stages(tmp_path)
    assert stage["cycletrace.stage.outcome"] == "error"
    counts = {name: stage[name] for name in stage if name.startswith("test.")}
    assert counts == {"test.passed": 2, "test.failed": 1, "test.error": 1, "test.skipped": 1}


def test_a_run_without_a_test_is_an_error(tmp_path: Path) -> None:
    assert run(tmp_path, "-k", "nothing", CYCLETRACE_CYCLE="churn@7").returncode == 5
    (stage,) = stages(tmp_path)
    assert stage["cycletrace.stage.outcome"] == "error"


def test_a_run_with_an_exit_code_of_its_own_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text(
        "import pytest\ndef pytest_runtest_setup():\n    pytest.exit('no licence', returncode=77)\n"
    )
    assert run(tmp_path, CYCLETRACE_CYCLE="churn@7").returncode == 77
    (stage,) = stages(tmp_path)
    assert stage["cycletrace.stage.outcome"] == "error"


@pytest.mark.skipif(not hasattr(pytest, "SubtestReport"), reason="pytest has no subtests")
def test_subtests_are_part_of_their_test(tmp_path: Path) -> None:
    (tmp_path / "test_parts.py").write_text(
        "def test_parts(subtests):\n"
        "    for each in range(3):\n"
        "        with subtests.test():\n"
        "            assert each != 1\n"
    )
    assert run(tmp_path, "test_parts.py", "-k", "parts", CYCLETRACE_CYCLE="churn@7").returncode == 1
    (stage,) = stages(tmp_path)
    counts = {name: stage[name] for name in stage if name.startswith("test.")}
    assert counts == {"test.passed": 0, "test.failed": 1, "test.error": 0, "test.skipped": 0}


def test_without_a_cycle_nothing_is_loaded_recorded_or_printed(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text(
        "import sys\ndef pytest_unconfigure():\n    assert 'cycletrace._internal.sdk.runtime' not in sys.modules\n"
    )
    done = run(tmp_path, "-q")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "cycletrace" not in done.stdout + done.stderr
    assert not (tmp_path / "state").exists()


def test_a_run_inside_a_stage_is_part_of_it(tmp_path: Path) -> None:
    (tmp_path / "test_suite.py").write_text(SUITE)
    command = [sys.executable, "-m", "cycletrace", "run", "--stage", "test", "--cycle", "churn@7", "--"]
    done = subprocess.run(
        [*command, sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "test_suite.py"],
        cwd=tmp_path,
        env=environment(tmp_path / "state"),
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert [stage["cycletrace.stage.name"] for stage in stages(tmp_path)] == ["test"]


def test_it_is_recorded_anywhere_if_asked_for(tmp_path: Path) -> None:
    assert run(tmp_path, "--cycletrace").returncode == 0
    (stage,) = stages(tmp_path)
    assert stage["cycletrace.stage.name"] == "pytest"
    assert run(tmp_path, "--cycletrace", "--collect-only").returncode == 0
    assert len(stages(tmp_path)) == 1


def test_a_recorder_that_cannot_write_changes_no_run(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("a file where the directory should be")
    done = run(tmp_path, CYCLETRACE_CYCLE="churn@7")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "4 passed, 1 skipped" in done.stdout
