"""``cycletrace collect`` as a process, on ports of its own that stay the same over restarts."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.backends.programs import Program, free_ports, get
from tests.journals import environment


class Collector:
    """A collector of one's own, with its store in this folder."""

    def __init__(self, folder: Path, *options: str) -> None:
        grpc, http, prometheus = free_ports(3)
        self.grpc, self.http = f"http://127.0.0.1:{grpc}", f"http://127.0.0.1:{http}"
        self.scraped = f"127.0.0.1:{prometheus}"
        self.store = folder / "collector.db"
        self.program = Program(
            [
                *(sys.executable, "-m", "cycletrace", "collect", "--store", str(self.store)),
                *("--grpc", f"127.0.0.1:{grpc}", "--http", f"127.0.0.1:{http}", "--prometheus", self.scraped),
                *options,
            ],
            folder / "collector.log",
            lambda: get(f"{self.http}/readyz")[0] == 200,
            CYCLETRACE_DIR=str(folder / "collector-state"),
        )

    def command(self, *arguments: str) -> str:
        """What one of our commands prints of its store."""
        done = subprocess.run(
            [sys.executable, "-m", "cycletrace", *arguments, "--store", str(self.store)],
            env=environment(self.store.parent / "unused"),
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def facts(self, *arguments: str) -> list[dict[str, Any]]:
        """The facts in its store."""
        return [json.loads(line) for line in self.command("facts", *arguments).splitlines()]

    def metrics(self) -> dict[str, float]:
        """Its samples as they stand at ``/metrics``, by name with labels."""
        text = get(f"http://{self.scraped}/metrics")[1].decode()
        pairs = (line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))
        return {name: float(value) for name, value in pairs}
