"""Incomplete installations and settings that lead nowhere: the program goes on, and its stages are kept if possible."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest
from tests.docs.pages import ROOT
from tests.journals import Journal, environment, run_script

LONG = "/" + "x" * 5000
PROGRAM = """
import logging, subprocess, sys
logging.basicConfig(stream=sys.stderr, format="%(message)s")
import cycletrace as ct

@ct.stage
def train():
    return 5

with ct.cycle("churn", "7") as cycle:
    cycle.mark("started")
    with ct.waiting("data"):
        pass
    print(train(), cycle.key, len(cycle.trace_id))
    subprocess.run([sys.executable, "-c", "pass"], env=ct.environ(), check=True)
ct.served("churn", "7")
ct.flush()
"""


def run(folder: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments, "-c", PROGRAM],
        env={**environment(folder / "state"), "HOME": str(folder / "home"), **variables},
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def packages(folder: Path, *left_out: str) -> Path:
    """A folder with everything that is installed but these packages, and no distribution's metadata."""
    folder.mkdir()
    for path in Path(sysconfig.get_path("purelib")).iterdir():
        if path.suffix not in {".dist-info", ".egg-info", ".pth"} and path.name not in left_out:
            (folder / path.name).symlink_to(path)
    (folder / "cycletrace").unlink(missing_ok=True)
    (folder / "cycletrace").symlink_to(ROOT / "src" / "cycletrace")
    return folder


def test_without_distribution_metadata_everything_is_recorded(tmp_path: Path) -> None:
    path = str(packages(tmp_path / "slim"))
    done = run(tmp_path, "-S", PYTHONPATH=path)
    assert (done.returncode, done.stdout) == (0, "5 churn@7 32\n")
    if "Nothing is recorded" in done.stderr:  # older versions of OpenTelemetry need metadata of their own
        alone = subprocess.run(
            [sys.executable, "-S", "-c", "import opentelemetry.context"],
            env={**environment(tmp_path), "PYTHONPATH": path},
            capture_output=True,
            check=False,
        )
        assert alone.returncode != 0
        return
    assert done.stderr == ""
    assert {"train", "mark started", "mark in_use", "wait data"} <= set(Journal(tmp_path / "state").names())


def test_without_opentelemetry_the_program_runs_and_logs_once_that_nothing_is_recorded(tmp_path: Path) -> None:
    done = run(tmp_path, "-S", PYTHONPATH=str(packages(tmp_path / "slim", "opentelemetry")))
    assert (done.returncode, done.stdout) == (0, "5 churn@7 32\n")
    assert done.stderr.startswith("Nothing is recorded, because cycletrace cannot be loaded: ModuleNotFoundError")
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "state").exists()


def test_a_state_directory_of_an_unknown_user_is_logged_and_the_default_is_used(tmp_path: Path) -> None:
    done = run(tmp_path, CYCLETRACE_DIR="~nosuch/x", XDG_STATE_HOME=str(tmp_path / "default"))
    assert (done.returncode, done.stdout) == (0, "5 churn@7 32\n")
    assert done.stderr == (
        "The state directory ~nosuch/x is in the home of an unknown user. "
        f"Using {tmp_path / 'default' / 'cycletrace'} instead.\n"
    )
    assert "train" in Journal(tmp_path / "default" / "cycletrace").names()


@pytest.mark.parametrize("variables", [{"CYCLETRACE_DIR": LONG}, {"CYCLETRACE_DIR": "~/state", "HOME": LONG}])
def test_an_impossible_state_directory_is_logged_in_one_line(tmp_path: Path, variables: dict[str, str]) -> None:
    done = run(tmp_path, **variables)
    assert (done.returncode, done.stdout) == (0, "5 churn@7 32\n")
    assert "is not writable" in done.stderr
    assert done.stderr.count("\n") == 1


INTERRUPTED = """
import signal, sys
from cycletrace import stage

def enter_stage(*_):
    with stage("handler"):
        pass

signal.signal(signal.SIGALRM, enter_stage)
signal.setitimer(signal.ITIMER_REAL, float(sys.argv[1]))
with stage("first"):
    signal.setitimer(signal.ITIMER_REAL, 0)
with stage("second"):
    pass
"""


@pytest.mark.parametrize("seconds", ["0.001", "0.005", "0.02", "0.05"])
def test_a_signal_handler_may_enter_a_stage_while_the_first_one_is_loading(tmp_path: Path, seconds: str) -> None:
    done = run_script(INTERRUPTED, tmp_path / "state", seconds)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert {"first", "second"} <= set(Journal(tmp_path / "state").names())
