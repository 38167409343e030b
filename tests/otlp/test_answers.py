"""One table of answers: the SDK's blocking driver and the collector's asynchronous one classify each alike."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import closing
from email.utils import formatdate
from pathlib import Path
from time import time
from typing import Any, NamedTuple

import grpc
import pytest
from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTracePartialSuccess,
    ExportTraceServiceResponse,
)
from tests.collector.sinks import GrpcSink, HttpSink

from cycletrace._internal.collector.backends import connect
from cycletrace._internal.delivery.shipper import must_wait
from cycletrace._internal.delivery.transport import open_sender
from cycletrace._internal.otlp.endpoint import Endpoint, TlsFiles
from cycletrace._internal.otlp.result import Code, Disposition, ExportResult
from cycletrace._internal.otlp.signals import TRACES, Encoding, Request

DONE, LATER, REFUSED, UNSUPPORTED = Disposition
PROTOBUF = "application/x-protobuf"
JSON = "application/json"
PARTIAL = ExportTraceServiceResponse(
    partial_success=ExportTracePartialSuccess(rejected_spans=3, error_message="too old")
).SerializeToString()
IN_AN_HOUR = "in an hour"
"""Stands for the date that this is when the server answers."""
NOT_ASKED = "http://127.0.0.1:9/v1/traces"


def status(code: int, seconds: float | None = None, message: str = "because") -> bytes:
    """A ``google.rpc.Status``, with a ``RetryInfo`` where seconds are given."""
    written = Status(code=code, message=message)
    if seconds is not None:
        info = RetryInfo()
        info.retry_delay.FromNanoseconds(round(seconds * 1e9))
        written.details.add().Pack(info)
    return bytes(written.SerializeToString())


class Answer(NamedTuple):
    """What a server answers, and what that means."""

    status: int
    disposition: Disposition
    retry_after: float | None = None
    rejected: int = 0
    headers: Mapping[str, str] = {}
    body: bytes = b""
    content_type: str = PROTOBUF
    code: int | None = None


HTTP_ANSWERS = [
    Answer(200, DONE),
    Answer(200, DONE, rejected=3, body=PARTIAL),
    Answer(200, DONE, rejected=3, body=b'{"partialSuccess": {"rejectedSpans": "3"}}', content_type=JSON),
    Answer(200, DONE, body=b"{}", content_type=f"{JSON}; charset=utf-8"),
    Answer(200, DONE, body=b'{"status": "ok", "partialSuccess": 7}', content_type=JSON),
    Answer(200, DONE, content_type="text/html"),
    # A web server or a portal that knows nothing of OTLP.
    Answer(200, LATER, body=b"<html>Sign in</html>", content_type="text/html"),
    Answer(200, LATER, body=b"<html>Sign in</html>"),
    Answer(200, LATER, body=b"<html>Sign in</html>", content_type=JSON),
    Answer(200, LATER, body=PARTIAL, content_type="text/html"),
    Answer(200, LATER, body=b"It works!", content_type="text/plain"),
    Answer(200, LATER, body=b"\xff"),
    Answer(202, LATER, body=b"<html>Sign in</html>", content_type="text/html"),
    Answer(202, DONE),
    Answer(204, DONE),
    Answer(301, LATER, headers={"Location": NOT_ASKED}),
    Answer(307, LATER, headers={"Location": NOT_ASKED}),
    *(Answer(number, REFUSED) for number in (400, 406, 409, 410, 411, 413, 414, 415, 418, 422, 431, 451, 499)),
    Answer(400, REFUSED, body=status(3), code=Code.INVALID_ARGUMENT),
    Answer(413, REFUSED, retry_after=7, headers={"Retry-After": "7"}, code=Code.RESOURCE_EXHAUSTED),
    *(Answer(number, LATER) for number in (401, 402, 403, 407, 408)),
    *(Answer(number, UNSUPPORTED) for number in (404, 405, 501)),
    Answer(429, LATER, code=Code.UNAVAILABLE),
    Answer(429, LATER, retry_after=7, headers={"Retry-After": "7"}, code=Code.RESOURCE_EXHAUSTED),
    *(Answer(number, LATER) for number in (500, 502, 503, 504, 505, 507, 529)),
    Answer(503, LATER, retry_after=7, headers={"Retry-After": "7"}),
    Answer(503, LATER, retry_after=3600, headers={"Retry-After": IN_AN_HOUR}),
    Answer(503, LATER, retry_after=0, headers={"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"}),
    Answer(503, LATER, headers={"Retry-After": "soon"}),
    Answer(503, LATER, headers={"Retry-After": "-1"}),
    Answer(503, LATER, retry_after=1.5, body=status(14, 1.5)),
    Answer(503, LATER, retry_after=7, headers={"Retry-After": "7"}, body=status(14, 1.5)),
    Answer(503, LATER, body=status(14, 1.5), content_type="text/plain"),
    Answer(503, LATER, body=b'{"code": 1e400}', content_type=JSON),
    Answer(503, LATER, body=b"<html>" * 50_000, content_type="text/html"),
]

GRPC_ANSWERS = [
    *(
        Answer(code.value[0], LATER)
        for code in grpc.StatusCode
        if code.name not in {"OK", "INVALID_ARGUMENT", "RESOURCE_EXHAUSTED", "UNIMPLEMENTED"}
    ),
    Answer(Code.OK, DONE),
    Answer(Code.OK, DONE, rejected=3, body=PARTIAL),
    Answer(Code.OK, DONE, body=b"\xff"),
    Answer(Code.INVALID_ARGUMENT, REFUSED),
    Answer(Code.INVALID_ARGUMENT, REFUSED, retry_after=1.5, body=status(3, 1.5)),
    Answer(Code.UNIMPLEMENTED, UNSUPPORTED),
    Answer(Code.RESOURCE_EXHAUSTED, LATER),
    Answer(Code.RESOURCE_EXHAUSTED, LATER, body=status(8)),
    Answer(Code.RESOURCE_EXHAUSTED, LATER, body=b"\xff"),
    Answer(Code.RESOURCE_EXHAUSTED, LATER, retry_after=1.5, body=status(8, 1.5)),
    Answer(Code.RESOURCE_EXHAUSTED, LATER, retry_after=0, body=status(8, 0)),
    Answer(Code.UNAVAILABLE, LATER, retry_after=1.5, body=status(14, 1.5)),
    Answer(Code.UNAVAILABLE, LATER, retry_after=0, body=status(14, -1.5)),
]


@pytest.fixture(scope="module")
def http_server() -> Iterator[HttpSink]:
    with closing(HttpSink()) as sink:
        yield sink


@pytest.fixture(scope="module")
def grpc_server() -> Iterator[GrpcSink]:
    with closing(GrpcSink()) as sink:
        yield sink


def send_blocking(endpoint: Endpoint) -> ExportResult:
    with open_sender(endpoint, TRACES) as send:
        return send(b"", 10.0)


def send_async(endpoint: Endpoint) -> ExportResult:
    async def send() -> ExportResult:
        backend = connect(endpoint)
        try:
            return await backend.send(Request(TRACES, Encoding.PROTOBUF, b""))
        finally:
            await backend.close()

    return asyncio.run(send())


def both(url: str) -> tuple[ExportResult, ExportResult]:
    return send_blocking(Endpoint(url)), send_async(Endpoint(url))


def identify(answer: Any) -> str:
    return f"{answer.status}-{answer.disposition.value}-{answer.retry_after}-{answer.rejected}"


def check(answer: Answer, results: tuple[ExportResult, ExportResult]) -> None:
    for result in results:
        assert result.disposition is answer.disposition
        assert result.is_success == (answer.disposition is DONE)
        assert result.rejected == answer.rejected
        assert (result.retry_after is None) == (answer.retry_after is None)
        assert result.retry_after == pytest.approx(answer.retry_after, abs=5 if (answer.retry_after or 0) > 60 else 0)
        if answer.code is not None:
            assert result.code == answer.code
    blocking, asynchronous = results
    assert blocking.code == asynchronous.code
    assert blocking.message == asynchronous.message
    assert blocking.details == asynchronous.details
    assert blocking.logged.endswith(asynchronous.logged)


@pytest.mark.parametrize("answer", HTTP_ANSWERS, ids=identify)
def test_both_drivers_classify_an_answer_over_http_alike(answer: Answer, http_server: HttpSink) -> None:
    http_server.status, http_server.body = answer.status, answer.body
    http_server.headers = {"Content-Type": answer.content_type, **answer.headers}
    if answer.headers.get("Retry-After") == IN_AN_HOUR:
        http_server.headers["Retry-After"] = formatdate(time() + 3600, usegmt=True)
    check(answer, both(http_server.url))


@pytest.mark.parametrize("answer", GRPC_ANSWERS, ids=identify)
def test_both_drivers_classify_an_answer_over_grpc_alike(answer: Answer, grpc_server: GrpcSink) -> None:
    codes = {code.value[0]: code for code in grpc.StatusCode}
    grpc_server.code = None if answer.status == Code.OK else codes[answer.status]
    grpc_server.message, grpc_server.answer = "because", answer.body
    grpc_server.trailing = (("grpc-status-details-bin", answer.body),) if answer.body else ()
    check(answer, both(grpc_server.url))


@pytest.mark.parametrize("scheme", ["http", "https", "grpc", "grpcs"])
def test_both_drivers_keep_what_nobody_answered(scheme: str) -> None:
    with closing(HttpSink()) as sink:
        port = sink.port
    for result in both(f"{scheme}://127.0.0.1:{port}"):
        assert (result.code, result.disposition) == (Code.UNAVAILABLE, LATER)
        assert result.summary


@pytest.mark.parametrize("scheme", ["https", "grpcs"])
def test_the_sdk_keeps_what_it_cannot_send_for_want_of_a_file(scheme: str, tmp_path: Path) -> None:
    tls = TlsFiles(tmp_path / "none.pem")
    result = send_blocking(Endpoint(f"{scheme}://127.0.0.1:9", tls=tls))
    assert (result.code, result.disposition) == (Code.UNAVAILABLE, LATER)


def test_that_an_endpoint_takes_no_traces_may_be_put_right_that_it_takes_no_logs_is_final() -> None:
    result = ExportResult(Code.UNIMPLEMENTED)
    assert [must_wait(signal, result) for signal in ("traces", "logs")] == [True, False]


@pytest.mark.parametrize("text", ["Received message larger than max (5 vs. 4)", "the content is larger than 4 bytes"])
def test_a_request_that_is_too_large_is_refused_so_that_a_smaller_one_is_tried(text: str) -> None:
    assert ExportResult(Code.RESOURCE_EXHAUSTED, text).disposition is REFUSED
    assert ExportResult(Code.RESOURCE_EXHAUSTED, logged=f"grpc://host:4317 answered: {text}").disposition is REFUSED
    assert ExportResult(Code.RESOURCE_EXHAUSTED, text, retry_after=1.0).disposition is LATER
