"""Running the demo as a user does: as a command, in a separate process, in a clean environment."""

from __future__ import annotations

import json
import subprocess
import sys
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


def quiet_environment() -> dict[str, str]:
    """Return a clean environment in which our own errors raise."""
    return blank_environment() | {"CYCLETRACE_STRICT": "1"}


def facts_of(root: Path) -> dict[str, dict[str, Any]]:
    done = subprocess.run(
        [*CYCLETRACE, "facts", "--dir", str(root)], env=quiet_environment(), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return {line["key"]: line for line in map(json.loads, done.stdout.splitlines())}
