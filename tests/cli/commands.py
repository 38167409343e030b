"""The command as users run it: a process of its own, in a folder of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

from tests.blank import blank_environment


class Result(NamedTuple):
    """The output and exit code of a command."""

    code: int
    out: str
    err: str


class Shell:
    """A folder, with a state directory of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.state = folder / "state"

    def environment(self, **variables: str) -> dict[str, str]:
        return {**blank_environment(), "CYCLETRACE_DIR": str(self.state), **variables}

    def python(self, code: str, *arguments: str, **variables: str) -> Result:
        return self._run([sys.executable, "-c", code, *arguments], variables)

    def run(self, *arguments: str, **variables: str) -> Result:
        return self._run([sys.executable, "-m", "cycletrace", *arguments], variables)

    def facts(self, *arguments: str) -> list[dict[str, Any]]:
        result = self.run("facts", *arguments)
        assert result.code == 0, result.err
        return [json.loads(line) for line in result.out.splitlines()]

    def spans(self) -> list[dict[str, Any]]:
        """What the journals hold that is a span, in order."""
        lines = [line for file in sorted((self.state / "journal").glob("*.jsonl")) for line in file.open()]
        return [document for line in lines if "span" in (document := json.loads(line[9:]))]

    def _run(self, command: list[str], variables: dict[str, str]) -> Result:
        done = subprocess.run(
            command,
            cwd=self.folder,
            env=self.environment(**variables),
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            check=False,
            timeout=60,
        )
        return Result(done.returncode, done.stdout, done.stderr)
