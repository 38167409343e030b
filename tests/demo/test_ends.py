"""However the demo ends, it prints why and leaves no process behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.demo.helpers import CYCLETRACE, facts_of, processes_of, quiet_environment, wait_until_none_is_left

NO_SUCH_IDEA = """
import sys
from cycletrace._internal.cli.main import main
from cycletrace._internal.demo import run
from cycletrace._internal.demo.plan import Plan
run.plan = lambda version: Plan(str(version), "no such idea", "a step that fails")
sys.exit(main(["demo", "--yes", "--dir", sys.argv[1]]))
"""


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks into /proc")
@pytest.mark.parametrize(
    ("end", "code", "options"),
    [
        (signal.SIGINT, 130, []),
        (signal.SIGTERM, 143, []),
        (signal.SIGKILL, -signal.SIGKILL, []),
        (signal.SIGINT, 130, ["--collector"]),
        (signal.SIGKILL, -signal.SIGKILL, ["--collector"]),
    ],
)
def test_no_process_outlives_it(tmp_path: Path, end: signal.Signals, code: int, options: list[str]) -> None:
    root = tmp_path / "demo"
    with subprocess.Popen(
        [*CYCLETRACE, "demo", "--yes", "--dir", str(root), *options],
        env=quiet_environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,  # a terminal's Ctrl-C goes to the whole group
    ) as demo:
        while not (root / "versions" / "1" / "prepare.log").exists():  # so it trains now
            time.sleep(0.05)
        if end == signal.SIGINT:
            os.killpg(demo.pid, end)
        else:
            assert len(processes_of(root)) >= (5 if options else 4)  # demo, server, client, a step; collector
            demo.send_signal(end)
        demo.wait(60)
        wait_until_none_is_left(root)  # before the pipe to its stderr, which they share, is read to its end
        _, errors = demo.communicate(timeout=60)
    assert demo.returncode == code
    assert "Traceback" not in errors
    if end == signal.SIGKILL:
        stages = {stage["name"]: stage["outcome"] for stage in facts_of(root)["digits@1"]["stages"]}
        assert stages.get("train") != "ok", "it ended with the demo, and not by itself"


@pytest.mark.slow
def test_a_failing_step_stops_it_with_its_reason(tmp_path: Path) -> None:
    root = tmp_path / "demo"
    done = subprocess.run(
        [sys.executable, "-c", NO_SUCH_IDEA, str(root)],
        env=quiet_environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "The step prepare of digits@1 failed with exit code 1" in done.stderr
    assert "KeyError: 'no such idea'" in done.stderr
    wait_until_none_is_left(root)
    (prepare,) = facts_of(root)["digits@1"]["stages"]
    assert prepare["outcome"] == "error"


def test_it_touches_no_folder_that_has_something_in_it(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    done = subprocess.run(
        [*CYCLETRACE, "demo", "--yes", "--dir", str(tmp_path)],
        env=quiet_environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "is not empty. Choose a new directory: cycletrace demo --dir DIR" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


@pytest.mark.parametrize("cycles", ["0", "-1", "many"])
def test_it_takes_at_least_one_version_through(cycles: str) -> None:
    done = subprocess.run(
        [*CYCLETRACE, "demo", "--cycles", cycles], env=quiet_environment(), capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "at least 1" in done.stderr
