"""Running the demo as a user does: as a command, in a separate process, in a clean environment."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, NamedTuple

from tests.blank import blank_environment

CYCLETRACE = (sys.executable, "-m", "cycletrace")


class Demo(NamedTuple):
    root: Path
    output: str
    facts: dict[str, dict[str, Any]]
    """By the key of the cycle."""
    log: list[dict[str, Any]]


PAGE = "report.html"
"""The page that the demo writes, beside its folder."""


def quiet_environment() -> dict[str, str]:
    """Return a clean environment in which our own errors raise."""
    return blank_environment() | {"CYCLETRACE_STRICT": "1"}


def facts_of(root: Path) -> dict[str, dict[str, Any]]:
    done = subprocess.run(
        [*CYCLETRACE, "facts", "--dir", str(root)], env=quiet_environment(), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return {line["key"]: line for line in map(json.loads, done.stdout.splitlines())}


def processes_of(root: Path) -> list[int]:
    """Return the processes that name this directory in their command or environment, except those that ended."""
    found = []
    for process in Path("/proc").iterdir():
        if process.name.isdigit() and int(process.name) != os.getpid():
            try:
                named = (process / "cmdline").read_bytes() + (process / "environ").read_bytes()
                state = (process / "stat").read_text().rpartition(")")[2].split()[0]
            except OSError:
                continue
            if os.fsencode(root) in named and state != "Z":  # not merely waiting to be reaped
                found.append(int(process.name))
    return found


def wait_until_none_is_left(root: Path) -> None:
    deadline = time.monotonic() + 60
    while left := processes_of(root):
        assert time.monotonic() < deadline, left
        time.sleep(0.05)
