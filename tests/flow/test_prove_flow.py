"""The long proof runs, and its numbers mean the same whatever the number of jobs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "prove_flow.py"


def prove(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(SCRIPT), *arguments], capture_output=True, text=True, check=False, timeout=120
    )


def test_the_proof_holds_on_a_few() -> None:
    done = prove("--count", "300", "--seed", "7")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "300 of 300, 0 differ" in done.stdout


def test_the_proof_runs_in_several_processes() -> None:
    done = prove("--count", "2100", "--first", "5", "--jobs", "2")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2100 of 2100, 0 differ" in done.stdout
