"""Real programs as processes: started on free ports, waited for, ended by their pid."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

ROOT = Path(__file__).parents[2]
BIN = ROOT / ".backends" / "bin"
SECONDS = 60.0
"""How long anything that must happen is waited for."""

T = TypeVar("T")


def program(name: str) -> str:
    """The path of a backend. A missing one fails the test: it never skips."""
    path = BIN / name
    assert path.is_file(), f"{path} is missing: run scripts/backends"
    return str(path)


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def eventually(look: Callable[[], T | None], what: str, seconds: float = SECONDS) -> T:
    """What ``look`` returns once that is true."""
    deadline = time.monotonic() + seconds
    while True:
        with suppress(OSError):
            found = look()
            if found:
                return found
        assert time.monotonic() < deadline, f"{what}: not within {seconds:g} s"
        time.sleep(0.1)


def get(url: str, headers: Mapping[str, str] | None = None) -> tuple[int, bytes]:
    """Status and body."""
    request = urllib.request.Request(url, headers=dict(headers or {}))
    try:
        with urllib.request.urlopen(request, timeout=30) as response:
            return response.status, response.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def get_json(url: str) -> Any:
    """The body as JSON, ``None`` where there is nothing (404)."""
    status, body = get(url)
    if status == 404:
        return None
    assert status == 200, (url, status, body[:500])
    return json.loads(body)


class Program:
    """A command that may be killed and started again."""

    def __init__(self, command: Sequence[str], log: Path, is_ready: Callable[[], object], **variables: str) -> None:
        self.command = list(command)
        self.log = log
        self._is_ready = is_ready
        self._variables = variables
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, and wait until it is ready."""
        ours = ("CYCLETRACE_", "OTEL_", "TRACEPARENT")
        env = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self.command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, env={**env, **self._variables}
            )
        process = self._process

        def look() -> object:
            assert process.poll() is None, f"{self.command[0]} ended with {process.returncode}:\n{self.said()[-3000:]}"
            return self._is_ready()

        eventually(look, f"{self.command[0]} is ready")

    def said(self) -> str:
        """All that it printed."""
        return self.log.read_text(encoding="utf-8", errors="replace")

    def send(self, number: int) -> None:
        """Send it a signal."""
        assert self._process is not None
        self._process.send_signal(number)

    def end(self, number: int = signal.SIGTERM) -> int:
        """Send it a signal and wait for its end. Returns the exit code."""
        assert self._process is not None
        self._process.send_signal(number)
        try:
            return self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            raise

    def kill(self) -> None:
        """SIGKILL, as an out-of-memory killer does it."""
        self.end(signal.SIGKILL)

    @property
    def is_running(self) -> bool:
        """Whether it was started and has not ended."""
        return self._process is not None and self._process.poll() is None


@contextmanager
def running(started: Program) -> Iterator[Program]:
    """The program, started, and ended afterwards."""
    started.start()
    try:
        yield started
    finally:
        if started.is_running:
            started.kill()
