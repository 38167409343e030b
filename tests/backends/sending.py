"""Sending the load of ``load.py`` to an endpoint, and sending it again."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

from tests.backends import load
from tests.journals import environment

HALF_A_DAY = 12 * 60 * load.MINUTE


def base_now() -> int:
    """A base for a load whose cycles are hours away from where windows of whole days begin and end."""
    return time.time_ns() - HALF_A_DAY


class Sender:
    """A machine: a state directory, and an endpoint that its records go to."""

    def __init__(self, directory: Path, endpoint: str, **variables: str) -> None:
        self.directory = directory
        self._env = environment(directory, OTEL_EXPORTER_OTLP_ENDPOINT=endpoint, **variables)

    def record(self, base: int, first: int, count: int, *models: int) -> None:
        """These cycles, as far as delivery comes by the end of the process."""
        self.run(load.__file__, *map(str, (base, first, count, *models)))

    def command(self, *arguments: str) -> None:
        """A command of ours."""
        self.run("-m", "cycletrace", *arguments)

    def flush(self) -> None:
        """Everything, now."""
        self.command("flush", "--timeout", "120")

    def send_again(self) -> None:
        """All of it once more, as after answers that were lost."""
        (self.directory / "delivery.json").unlink()
        delivered = list((self.directory / "journal" / "delivered").glob("*.jsonl"))
        assert delivered
        for path in delivered:
            path.rename(self.directory / "journal" / path.name)
        self.flush()

    def run(self, *arguments: str) -> None:
        """Python with these arguments."""
        done = subprocess.run(
            [sys.executable, *arguments],
            env=self._env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=200,
        )
        assert done.returncode == 0, done.stdout + done.stderr
