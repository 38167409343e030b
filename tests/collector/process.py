"""``cycletrace collect`` as a process of its own, and a client for it."""

from __future__ import annotations

import http.client
import json
import os
import queue
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import grpc
from prometheus_client.openmetrics import parser
from tests.collector.sinks import SERVICES

from cycletrace._internal.collector.exposition import OPENMETRICS

parse_openmetrics: Any = parser.text_string_to_metric_families

COMMAND = [sys.executable, "-m", "cycletrace", "collect"]
T = TypeVar("T")


class Collect:
    """A running collector on ports of its own. Ports are kept over :meth:`restart`."""

    def __init__(self, store: Any, *options: str, environment: Mapping[str, str] | None = None) -> None:
        self.store = store
        """Its path, or the URL of a database."""
        self._options = options
        self._environment = {**os.environ, **(environment or {})}
        self._ports = {"grpc": 0, "http": 0, "prometheus": 0}
        self.output: list[str] = []
        self.start()

    def start(self) -> None:
        addresses = [option for name, port in self._ports.items() for option in (f"--{name}", f"127.0.0.1:{port}")]
        self.process = subprocess.Popen(
            [*COMMAND, "--store", str(self.store), *addresses, *self._options],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=self._environment,
        )
        lines: queue.SimpleQueue[str] = queue.SimpleQueue()
        threading.Thread(target=self._read, args=(self.process, lines), daemon=True).start()
        patterns = {
            "grpc": r"OTLP/gRPC .*:(\d+)$",
            "http": r"OTLP/HTTP .*:(\d+)$",
            "prometheus": r"Prometheus .*:(\d+)/",
        }
        while "prometheus" in patterns:
            line = lines.get(timeout=60)
            assert not line.startswith("ended with"), self.output
            for name, pattern in list(patterns.items()):
                if found := re.search(pattern, line):
                    self._ports[name] = int(found[1])
                    del patterns[name]

    def _read(self, process: subprocess.Popen[str], lines: queue.SimpleQueue[str]) -> None:
        assert process.stdout is not None
        for line in process.stdout:
            self.output.append(line.rstrip())
            lines.put(line.rstrip())
        lines.put(f"ended with {process.wait()}")

    @property
    def http_port(self) -> int:
        return self._ports["http"]

    @property
    def grpc_port(self) -> int:
        return self._ports["grpc"]

    @property
    def board_port(self) -> int:
        """Where the board is, which is printed last."""
        found = eventually(lambda: [port for line in self.output if (port := re.search(r"  board .*:(\d+)/$", line))])
        return int(found[-1][1])

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(10)

    def stop(self) -> int:
        """End it in order. Returns the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(60)

    def restart(self) -> None:
        self.start()

    def post(
        self,
        signal_name: str,
        body: bytes,
        content_type: str = "application/x-protobuf",
        headers: Mapping[str, str] | None = None,
    ) -> int:
        """Export over HTTP. Returns the status."""
        connection = http.client.HTTPConnection("127.0.0.1", self.http_port, timeout=60)
        try:
            connection.request("POST", f"/v1/{signal_name}", body, {"Content-Type": content_type, **(headers or {})})
            response = connection.getresponse()
            self.answer = response.read()
            return response.status
        finally:
            connection.close()

    def call(self, signal_name: str, body: bytes, **options: Any) -> bytes:
        """Export over gRPC; raises ``grpc.RpcError``."""
        with grpc.insecure_channel(f"127.0.0.1:{self.grpc_port}") as channel:
            answer: bytes = channel.unary_unary(f"/{SERVICES[signal_name]}/Export")(body, timeout=60, **options)
        return answer

    def get(self, path: str, headers: Mapping[str, str] | None = None, port: str = "http") -> tuple[int, str]:
        connection = http.client.HTTPConnection("127.0.0.1", self._ports[port], timeout=60)
        try:
            connection.request("GET", path, headers=dict(headers or {}))
            response = connection.getresponse()
            return response.status, response.read().decode()
        finally:
            connection.close()

    def metrics(self) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
        """All samples at ``/metrics``, by name and labels."""
        _, text = self.get("/metrics", {"Accept": OPENMETRICS}, "prometheus")
        return {
            (sample.name, tuple(sorted(sample.labels.items()))): sample.value
            for family in parse_openmetrics(text)
            for sample in family.samples
        }

    def total(self, name: str, **labels: str) -> float:
        """The sum of all samples of this name with these labels (the ends of their names suffice)."""
        return sum(
            value
            for (sample, pairs), value in self.metrics().items()
            if sample == name
            and all(any(key.endswith(end) and text == want for key, text in pairs) for end, want in labels.items())
        )

    def facts(self, *options: str) -> list[dict[str, Any]]:
        """``cycletrace facts`` on the running collector's store."""
        done = subprocess.run(
            [sys.executable, "-m", "cycletrace", "facts", "--store", str(self.store), *options],
            capture_output=True,
            check=True,
            timeout=60,
        )
        return [json.loads(line) for line in done.stdout.splitlines()]


def eventually(look: Callable[[], T], wanted: Callable[[T], bool] = bool, timeout: float = 60.0) -> T:
    """What is seen once it is as wanted; the last that was seen where it never is."""
    until = time.monotonic() + timeout
    while True:
        seen = look()
        if wanted(seen) or time.monotonic() > until:
            return seen
        time.sleep(0.05)
