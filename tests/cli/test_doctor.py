"""What ``doctor`` says of an endpoint."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from tests.cli.commands import Shell

from cycletrace.testing import FakeCollector

PAGE = b"<html><h1>Sign in</h1></html>"


class Handler(BaseHTTPRequestHandler):
    """A web server that answers everything with a page, and whose clock may be wrong."""

    ahead = 0.0

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.do_HEAD()
        self.wfile.write(PAGE)

    def do_HEAD(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(PAGE)))
        self.end_headers()

    def date_time_string(self, timestamp: float | None = None) -> str:
        return formatdate(time.time() + self.ahead, usegmt=True)

    def log_message(self, *args: Any) -> None:
        pass


@pytest.fixture
def web_server() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def findings(shell: Shell, endpoint: str) -> dict[str, dict[str, Any]]:
    lines = shell.run("doctor", "--json", CYCLETRACE_ENDPOINT=endpoint).out.splitlines()
    return {finding["check"]: finding for finding in map(json.loads, lines)}


def test_a_web_page_is_no_endpoint_and_takes_nothing(shell: Shell, web_server: str) -> None:
    shell.run("mark", "started", "--cycle", "churn@7", CYCLETRACE_ENDPOINT=web_server)
    found = findings(shell, web_server)
    traces = found["endpoint for traces"]
    assert not traces["is_sound"]
    assert "answered 200: not as an OTLP endpoint does, but with text/html" in traces["found"]
    assert not found["delivery"]["is_sound"]
    assert shell.run("flush", CYCLETRACE_ENDPOINT=web_server).code == 1


@pytest.mark.parametrize(
    ("ahead", "said"), [(0.0, "no more than a second or two off"), (60.0, "behind"), (-60.0, "ahead of")]
)
def test_the_clock_is_compared_with_that_of_the_endpoint(
    shell: Shell, web_server: str, monkeypatch: pytest.MonkeyPatch, ahead: float, said: str
) -> None:
    monkeypatch.setattr(Handler, "ahead", ahead)
    clock = findings(shell, web_server)["clock against the endpoint"]
    assert (clock["is_sound"], said in clock["found"]) == (ahead == 0, True)


def test_a_collector_is_sound(shell: Shell, cycletrace_collector: FakeCollector) -> None:
    found = findings(shell, cycletrace_collector.endpoint)
    assert {name for name, finding in found.items() if not finding["is_sound"]} == set()
    assert "clock against the endpoint" in found
