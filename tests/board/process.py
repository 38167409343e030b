"""``cycletrace board`` as a process of its own, and a client for it."""

from __future__ import annotations

import http.client
import json
import re
import signal
import subprocess
import sys
from collections.abc import Mapping
from email.message import Message
from pathlib import Path
from typing import Any, NamedTuple

from tests.journals import environment

COMMAND = [sys.executable, "-m", "cycletrace", "board"]


class Reply(NamedTuple):
    status: int
    headers: Message
    text: str

    def json(self) -> Any:
        return json.loads(self.text)


class Served:
    """A running board on a port of its own."""

    def __init__(self, folder: Path, *options: str) -> None:
        self.state = folder / "state"
        self.process = subprocess.Popen(
            [*COMMAND, "--listen", "127.0.0.1:0", *options],
            cwd=folder,
            env=environment(self.state),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        self.said = self.process.stdout.readline()
        found = re.search(r"http://127\.0\.0\.1:(\d+)/", self.said)
        assert found, self.process.stderr and self.process.stderr.read()
        self.port = int(found[1])
        self.url = f"http://127.0.0.1:{self.port}"

    def get(self, path: str, headers: Mapping[str, str] | None = None, method: str = "GET") -> Reply:
        return get(self.port, path, headers, method)

    def stop(self, number: int = signal.SIGINT) -> tuple[int, str]:
        """End it with a signal. Return its exit code and what it printed since it began to listen."""
        self.process.send_signal(number)
        out, err = self.process.communicate(timeout=60)
        return self.process.returncode, out + err


def get(port: int, path: str, headers: Mapping[str, str] | None = None, method: str = "GET") -> Reply:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.request(method, path, headers=dict(headers or {}))
        response = connection.getresponse()
        return Reply(response.status, response.headers, response.read().decode())
    finally:
        connection.close()


def record(state: Path, *arguments: str) -> None:
    """Run a command that records."""
    command = [sys.executable, "-m", "cycletrace", *arguments]
    subprocess.run(command, env=environment(state), cwd=state.parent, check=True, timeout=60)
