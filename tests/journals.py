"""Running programs that write journals, and reading what they wrote."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.blank import blank_environment

from cycletrace.testing import Journal, Node

__all__ = ["PATIENT", "Journal", "Node", "environment", "read_facts", "run_script"]

PATIENT = """
from cycletrace._internal.sdk import runtime
runtime.EXIT_BUDGET = 40.0
"""
"""Before a script: its exit delivers also on a machine that is too busy to do so within the two seconds of a user."""


def environment(directory: Path, **variables: str) -> dict[str, str]:
    """The environment of a program of its own: nothing of ours or OpenTelemetry's in it but these."""
    env = blank_environment()
    return {**env, "CYCLETRACE_DIR": str(directory), "PYTHONWARNINGS": "default", **variables}


def run_script(script: str, directory: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run this Python text in a process of its own, to its end."""
    return subprocess.run(
        [sys.executable, "-c", script, *arguments],
        env=environment(directory, **variables),
        cwd=directory.parent,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def read_facts(directory: Path) -> list[dict[str, Any]]:
    """The facts of each cycle in this state directory, as its owner reads them."""
    read = "import cycletrace, json, sys; json.dump(cycletrace.facts(), sys.stdout)"
    done = run_script(read, directory)
    assert done.returncode == 0, done.stderr
    return list(json.loads(done.stdout))
