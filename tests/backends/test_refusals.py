"""A backend that refuses: nothing is lost, nothing loops hot, and a change of state is logged once."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.certificates import certificate
from tests.journals import run_script

from cycletrace._internal.testing.collector import GRPC, HTTP, LOGS, TRACES
from cycletrace.testing import FakeCollector, Reply

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
FLUSH = "from cycletrace._internal.cli.main import main; import sys; sys.exit(main(['flush']))"
STATUS = FLUSH.replace("flush", "status")
ATTEMPTS = 6
"""After 0, 0.5, 1.5 and 3.5 seconds, and at the exit; one more for a slow machine."""


@pytest.fixture(params=[HTTP, GRPC])
def server(request: pytest.FixtureRequest) -> Iterator[FakeCollector]:
    with FakeCollector(request.param) as found:
        yield found


def run_against(server: FakeCollector, directory: Path, program: str = PROGRAM, **variables: str) -> str:
    """What the program says while this is its endpoint."""
    endpoint = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": server.endpoint,
        "OTEL_EXPORTER_OTLP_PROTOCOL": server.protocol,
        **variables,
    }
    done = run_script(program, directory, **endpoint)
    assert done.returncode == 0
    return done.stderr


def assert_delivered_once_it_is_over(server: FakeCollector, directory: Path, **variables: str) -> None:
    server.replies = {TRACES: Reply(), LOGS: Reply()}
    run_against(server, directory, FLUSH, **variables)
    assert server.names() == ["train"]
    assert server.names(LOGS) == ["cycletrace.stage.started"]


@pytest.mark.parametrize(
    "reply",
    [
        {"status": 401},
        {"status": 403},
        {"status": 429},
        {"status": 429, "headers": {"Retry-After": "0"}},
        {"status": 500},
        {"status": 503},
    ],
    ids=lambda reply: " ".join(map(str, (reply["status"], *reply.get("headers", ())))),
)
def test_what_may_pass_later_is_kept_and_logged_once(
    reply: dict[str, Any], server: FakeCollector, tmp_path: Path
) -> None:
    server.reply_with(**reply)
    said = run_against(server, tmp_path / "state")
    assert (server.spans, server.logs) == ([], [])
    for signal in (TRACES, LOGS):
        assert 1 <= len(server.requests(signal)) <= ATTEMPTS
        assert len(re.findall(f"Delivery of {signal} waits", said)) == 1
    assert said.count("\n") == 2
    assert_delivered_once_it_is_over(server, tmp_path / "state")


def test_so_is_what_a_connection_was_closed_over(tmp_path: Path) -> None:
    with FakeCollector() as server:
        server.reply_with(dies=True)
        said = run_against(server, tmp_path / "state")
        assert 1 <= len(server.requests(TRACES)) <= ATTEMPTS
        assert len(re.findall("Delivery of traces waits", said)) == 1
        assert_delivered_once_it_is_over(server, tmp_path / "state")


def test_the_time_that_a_backend_asks_for_is_waited(server: FakeCollector, tmp_path: Path) -> None:
    server.reply_with(status=429, headers={"Retry-After": "60"})
    run_against(server, tmp_path / "state")
    assert len(server.requests(TRACES)) <= 2  # the first, and the one at the exit
    assert_delivered_once_it_is_over(server, tmp_path / "state")


def test_a_wrong_path_for_traces_is_kept(server: FakeCollector, tmp_path: Path) -> None:
    server.replies[TRACES] = Reply(status=404)
    said = run_against(server, tmp_path / "state")
    assert server.spans == []
    assert said.count("Delivery of traces waits") == 1
    assert_delivered_once_it_is_over(server, tmp_path / "state")


@pytest.mark.parametrize("status", [400, 413, 422])
def test_what_is_refused_alone_is_counted_and_not_sent_again(status: int, tmp_path: Path) -> None:
    with FakeCollector() as server:
        server.reply_with(status=status)
        said = run_against(server, tmp_path / "state")
        assert [f"permanently rejected 1 of our {signal}" in said for signal in (TRACES, LOGS)] == [True, True]
        server.reply_with()
        run_against(server, tmp_path / "state", FLUSH)
        assert (server.names(), server.names(LOGS)) == ([], [])
        status_now = run_script(STATUS, tmp_path / "state", OTEL_EXPORTER_OTLP_ENDPOINT=server.endpoint)
        assert "2 records were rejected by the endpoint." in status_now.stdout


def test_a_page_with_status_200_is_no_delivery(tmp_path: Path) -> None:
    with FakeCollector() as server:
        server.reply_with(content=b"<html>Welcome</html>")
        said = run_against(server, tmp_path / "state")
        assert len(re.findall("Delivery of traces waits: .* answered 200: not as an OTLP endpoint does", said)) == 1
        asked = len(server.requests(TRACES))
        server.replies = {TRACES: Reply(), LOGS: Reply()}
        run_against(server, tmp_path / "state", FLUSH)
        assert len(server.requests(TRACES)) == asked + 1


def test_a_certificate_is_trusted_where_it_is_named_and_no_other_is(tmp_path: Path) -> None:
    key, made = certificate(tmp_path, "made")
    with FakeCollector(tls=(made, key)) as server:
        said = run_against(server, tmp_path / "state")
        assert len(re.findall("Delivery of traces waits: SSL", said)) == 1
        assert (server.spans, server.logs) == ([], [])
        assert_delivered_once_it_is_over(server, tmp_path / "state", OTEL_EXPORTER_OTLP_CERTIFICATE=str(made))


def test_a_backend_without_tls_is_no_way_out(tmp_path: Path) -> None:
    with FakeCollector() as server:
        tls = server.endpoint.replace("http://", "https://")
        said = run_against(server, tmp_path / "state", OTEL_EXPORTER_OTLP_ENDPOINT=tls)
        assert len(re.findall("Delivery of traces waits: SSL", said)) == 1
        assert (server.spans, server.logs) == ([], [])
        assert_delivered_once_it_is_over(server, tmp_path / "state")
