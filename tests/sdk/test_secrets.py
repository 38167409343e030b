"""User, password and query of an endpoint's URL reach it, and appear nowhere else."""

from __future__ import annotations

import logging
import socket
import subprocess
import sys
from base64 import b64encode
from pathlib import Path

import pytest
from tests.collector.sinks import GrpcSink, HttpSink
from tests.journals import environment, run_script

import cycletrace as ct
from cycletrace._internal import diagnostics
from cycletrace._internal.delivery import progress
from cycletrace._internal.delivery.destination import SIGNALS, Destination, find
from cycletrace._internal.delivery.transport import open_sender
from cycletrace._internal.otlp.result import Disposition, ExportResult
from cycletrace._internal.sdk import settings

BASIC = f"Basic {b64encode(b'ann:s3cret').decode()}"
SECRETS = ("s3cret", "t0ken", "ann:", BASIC.split()[1])
SCRIPT = "import cycletrace as ct\nimport logging\nlogging.basicConfig()\nwith ct.stage('train'):\n pass\n"


def with_secrets(url: str) -> str:
    return f"{url.replace('://', '://ann:s3cret@')}?key=t0ken"


def shows_secret(text: str) -> bool:
    return any(secret in text for secret in SECRETS)


def send(found: Destination, signal: str = "traces", seconds: float = 5.0) -> ExportResult:
    with open_sender(found[signal], SIGNALS[signal]) as sender:
        return sender(b"", seconds)


def command(directory: Path, endpoint: str, *words: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "cycletrace", *words],
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
        env=environment(directory, OTEL_EXPORTER_OTLP_ENDPOINT=endpoint),
    )
    return done.stdout + done.stderr


def test_over_http_user_password_and_query_reach_the_endpoint() -> None:
    sink = HttpSink()
    try:
        found = find(with_secrets(f"{sink.url}/base"), {})
        assert found is not None
        for signal in found:
            assert send(found, signal).is_success
    finally:
        sink.close()
    assert [received.signal for received in sink.received] == ["traces?key=t0ken", "logs?key=t0ken"]
    assert {received.headers["authorization"] for received in sink.received} == {BASIC}


def test_over_grpc_user_and_password_become_metadata() -> None:
    sink = GrpcSink()
    try:
        url = f"http://ann:s3cret@127.0.0.1:{sink.port}"
        found = find(url, {"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"})
        assert found is not None
        assert send(found).is_success
    finally:
        sink.close()
    assert sink.received[0].headers["authorization"] == BASIC


@pytest.mark.parametrize("status", [200, 404, 503, None])
def test_no_secret_is_written_or_printed(tmp_path: Path, status: int | None) -> None:
    sink = HttpSink()
    sink.status = status or 200
    endpoint = with_secrets(sink.url)
    if status is None:
        sink.close()
    directory = tmp_path / "state"
    try:
        done = run_script(SCRIPT, directory, OTEL_EXPORTER_OTLP_ENDPOINT=endpoint)
        output = [done.stdout, done.stderr]
        output += [
            command(directory, endpoint, *words) for words in (["flush", "--timeout", "1"], ["doctor"], ["status"])
        ]
        output += [command(directory, endpoint, "status", "--json"), command(directory, endpoint, "doctor", "--json")]
    finally:
        if status is not None:
            sink.close()
    assert f"127.0.0.1:{sink.port}" in "".join(output)
    assert not any(map(shows_secret, output))
    written = [path for path in directory.rglob("*") if path.is_file()]
    assert directory / progress.FILE in written
    assert not any(secret.encode() in path.read_bytes() for path in written for secret in SECRETS)


def test_an_endpoint_may_be_printed() -> None:
    found = find(with_secrets("http://host:4318"), {"OTEL_EXPORTER_OTLP_HEADERS": "x-key=t0ken"})
    assert "http://host:4318/v1/traces" in repr(found)
    assert not shows_secret(repr(found))


@pytest.mark.parametrize("url", ["http://ann:s3cret/s@host", "http://ann:s3cret@host:port", "ann:s3cret#@host"])
def test_an_endpoint_that_cannot_be_used_is_logged_without_it(
    url: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CYCLETRACE_STRICT", raising=False)
    diagnostics.forget_logged()
    with caplog.at_level(logging.WARNING, logger=diagnostics.LOGGER.name):
        assert find(url, {}) is None
    assert [message.startswith("CYCLETRACE_ENDPOINT cannot be used") for message in caplog.messages] == [True]
    assert not shows_secret("".join(caplog.messages))


def test_an_error_of_the_library_that_sends_is_named_without_its_text() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        found = find(with_secrets(f"http://127.0.0.1:{server.getsockname()[1]}"), {})
        assert found is not None
        result = send(found, seconds=0.2)
    assert result.disposition is Disposition.LATER
    assert result.summary
    assert not shows_secret(result.summary)


@pytest.mark.parametrize(
    "headers", ["s3cret", "authorization=Bearer t0ken,s3cret", "bad name=s3cret", "x-a=s3cret%0d%0aInjected: 1"]
)
def test_a_header_that_is_none_is_left_out_and_not_shown(
    headers: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CYCLETRACE_STRICT", raising=False)
    diagnostics.forget_logged()
    with caplog.at_level(logging.DEBUG):
        found = find("http://127.0.0.1:4318", {"OTEL_EXPORTER_OTLP_HEADERS": headers})
    assert found is not None
    assert dict(found["traces"].headers) == ({"authorization": "Bearer t0ken"} if "Bearer" in headers else {})
    (message,) = caplog.messages
    assert "OTEL_EXPORTER_OTLP_HEADERS" in message
    assert not shows_secret(message)


def test_an_endpoint_setting_that_is_no_url_is_not_shown(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CYCLETRACE_STRICT", raising=False)
    diagnostics.forget_logged()
    with caplog.at_level(logging.DEBUG):
        assert settings.read({"CYCLETRACE_ENDPOINT": "ann:s3cret@host"}).endpoint is None
    with pytest.raises(ValueError, match="endpoint must be a URL") as error:
        ct.configure(endpoint="ann:s3cret@host")
    assert not shows_secret("".join(caplog.messages) + str(error.value))
