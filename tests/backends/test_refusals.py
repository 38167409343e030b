"""A backend that refuses: nothing is lost, nothing loops hot, and a change of state is told once."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from tests.journals import run_script

from cycletrace.testing import FakeCollector, Reply
from cycletrace.testing.collector import LOGS, TRACES

pytestmark = pytest.mark.slow

SECONDS = 4
PROGRAM = f"""
import logging, sys, time
logging.basicConfig(stream=sys.stderr, format="%(message)s")
import cycletrace as ct
with ct.cycle("churn", version="7"):
    with ct.stage("train"):
        pass
    time.sleep({SECONDS})
"""
FLUSH = "from cycletrace.cli.main import main; import sys; sys.exit(main(['flush']))"
ATTEMPTS = 6
"""After 0, 0.5, 1.5 and 3.5 seconds, and at the exit; one more for a slow machine."""


def run_against(server: FakeCollector, directory: Path, endpoint: str = "") -> str:
    """What the program says while this is its endpoint."""
    done = run_script(PROGRAM, directory, OTEL_EXPORTER_OTLP_ENDPOINT=endpoint or server.endpoint)
    assert done.returncode == 0
    return done.stderr


def assert_delivered_once_it_is_over(server: FakeCollector, directory: Path) -> None:
    server.replies = {TRACES: Reply(), LOGS: Reply()}
    assert run_script(FLUSH, directory, OTEL_EXPORTER_OTLP_ENDPOINT=server.endpoint).returncode == 0
    assert server.names() == ["train"]
    assert server.names(LOGS) == ["cycletrace.stage.started"]


@pytest.mark.parametrize(
    "reply",
    [
        {"status": 401},
        {"status": 403},
        {"status": 429, "headers": {"Retry-After": "2"}},
        {"status": 500},
        {"status": 503},
        {"dies": True},
    ],
    ids=lambda reply: str(reply.get("status", "closed connection")),
)
def test_what_may_pass_later_is_kept_and_told_once(reply: dict[str, Any], tmp_path: Path) -> None:
    with FakeCollector() as server:
        server.reply_with(**reply)
        said = run_against(server, tmp_path / "state")
        assert (server.spans, server.logs) == ([], [])
        for signal in (TRACES, LOGS):
            assert 1 <= len(server.requests(signal)) <= ATTEMPTS
            assert len(re.findall(f"Delivery of {signal} waits", said)) == 1
        assert said.count("\n") == 2
        assert_delivered_once_it_is_over(server, tmp_path / "state")


def test_the_time_that_a_backend_asks_for_is_waited(tmp_path: Path) -> None:
    with FakeCollector() as server:
        server.reply_with(status=429, headers={"Retry-After": "60"})
        run_against(server, tmp_path / "state")
        assert len(server.requests(TRACES)) <= 2  # the first, and the one at the exit
        assert_delivered_once_it_is_over(server, tmp_path / "state")


def test_a_wrong_path_for_traces_is_kept(tmp_path: Path) -> None:
    with FakeCollector() as server:
        server.replies[TRACES] = Reply(status=404)
        said = run_against(server, tmp_path / "state")
        assert server.spans == []
        assert said.count("Delivery of traces waits") == 1
        assert_delivered_once_it_is_over(server, tmp_path / "state")


def test_tls_that_cannot_be_trusted_is_no_way_out(tmp_path: Path) -> None:
    with FakeCollector() as server:
        said = run_against(server, tmp_path / "state", server.endpoint.replace("http://", "https://"))
        assert len(re.findall("Delivery of traces waits: SSL", said)) == 1
        assert (server.spans, server.logs) == ([], [])
        assert_delivered_once_it_is_over(server, tmp_path / "state")
