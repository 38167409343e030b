"""OTLP as the specification asks: what is accepted, and which error answers what is not."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import json
import socket
import threading
import time
import zlib
from collections.abc import Iterator

import grpc
import pytest
from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTracePartialSuccess,
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans
from tests.collector.process import eventually
from tests.collector.relay import Relay
from tests.collector.sinks import SERVICES

from cycletrace._internal.collector.limits import Limits
from cycletrace._internal.otlp.result import ExportResult, unavailable
from cycletrace._internal.otlp.signals import Encoding, Request

PROTOBUF = {"Content-Type": "application/x-protobuf"}
JSON = {"Content-Type": "application/json"}
LIMIT = 64 * 1024


class Handler:
    """Keeps requests and responds as configured."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.answer = ExportResult()

    async def __call__(self, request: Request) -> ExportResult:
        self.requests.append(request)
        return self.answer


@pytest.fixture
def handler() -> Handler:
    return Handler()


@pytest.fixture
def relay(handler: Handler) -> Iterator[Relay]:
    relay = Relay(handler, limits=Limits(body=LIMIT, in_flight=2 * LIMIT, patience=1.0))
    yield relay
    relay.close()
    assert relay.budget.free == relay.budget.size, "every byte that was lent came back"


BODY = ExportTraceServiceRequest(resource_spans=[ResourceSpans(schema_url="x" * 100)]).SerializeToString()


@pytest.mark.parametrize("signal", ["traces", "logs", "metrics"])
def test_all_signals_arrive_as_they_are(relay: Relay, handler: Handler, signal: str) -> None:
    relay.call(signal, BODY)
    assert relay.post(f"/v1/{signal}", BODY, PROTOBUF)[0] == 200
    assert relay.post(f"/v1/{signal}", b"{}", JSON)[0] == 200
    assert [(r.signal.name, r.encoding, r.body) for r in handler.requests] == [
        (signal, Encoding.PROTOBUF, BODY),
        (signal, Encoding.PROTOBUF, BODY),
        (signal, Encoding.JSON, b"{}"),
    ]


def test_compression_is_undone_and_gzip_is_kept_for_passing_on(relay: Relay, handler: Handler) -> None:
    relay.call("traces", BODY, compression=grpc.Compression.Gzip)
    relay.call("traces", BODY, compression=grpc.Compression.Deflate)
    packed = gzip.compress(BODY[:50]) + gzip.compress(BODY[50:])
    assert relay.post("/v1/traces", packed, {**PROTOBUF, "Content-Encoding": "gzip"})[0] == 200
    assert relay.post("/v1/traces", zlib.compress(BODY), {**PROTOBUF, "Content-Encoding": "deflate"})[0] == 200
    assert [request.body for request in handler.requests] == [BODY] * 4
    assert [request.packed is not None for request in handler.requests] == [True, False, True, False]
    assert handler.requests[2].packed == packed


def test_success_is_an_export_response_in_the_request_s_encoding(relay: Relay, handler: Handler) -> None:
    handler.answer = ExportResult(message="one is odd", rejected=1)
    expected = ExportTraceServiceResponse(
        partial_success=ExportTracePartialSuccess(rejected_spans=1, error_message="one is odd")
    )
    assert ExportTraceServiceResponse.FromString(relay.call("traces", BODY)) == expected
    status, headers, body = relay.post("/v1/traces", BODY, PROTOBUF)
    assert (status, headers["content-type"]) == (200, "application/x-protobuf")
    assert ExportTraceServiceResponse.FromString(body) == expected
    status, headers, body = relay.post("/v1/traces", b"{}", JSON)
    assert (status, headers["content-type"].partition(";")[0]) == (200, "application/json")
    assert json.loads(body) == {"partialSuccess": {"rejectedSpans": "1", "errorMessage": "one is odd"}}


def test_a_retryable_answer_says_when_over_grpc_and_http(relay: Relay, handler: Handler) -> None:
    handler.answer = unavailable("the disk is full", retry_after=2.5)
    with pytest.raises(grpc.RpcError) as caught:
        relay.call("logs", BODY)
    assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
    assert caught.value.details() == "the disk is full"
    status = Status.FromString(dict(caught.value.trailing_metadata())["grpc-status-details-bin"])
    info = RetryInfo()
    assert status.details[0].Unpack(info)
    assert info.retry_delay.ToMilliseconds() == 2500

    code, headers, body = relay.post("/v1/logs", BODY, PROTOBUF)
    assert (code, headers["retry-after"]) == (503, "3")
    assert Status.FromString(body).message == "the disk is full"
    code, headers, body = relay.post("/v1/logs", b"{}", JSON)
    assert code == 503
    status = json.loads(body)
    assert status["code"] == 14
    assert status["details"] == [{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "2.500s"}]


@pytest.mark.parametrize(
    ("path", "method", "body", "headers", "status"),
    [
        ("/v1/profiles", "POST", b"", PROTOBUF, 404),
        ("/", "GET", b"", {}, 404),
        ("/v1/traces", "GET", b"", PROTOBUF, 405),
        ("/v1/traces", "PUT", b"", JSON, 405),
        ("/v1/traces", "POST", b"x", {"Content-Type": "text/plain"}, 415),
        ("/v1/traces", "POST", b"x", {**PROTOBUF, "Content-Encoding": "zstd"}, 415),
        ("/v1/traces", "POST", b"x" * (LIMIT + 1), PROTOBUF, 413),
        ("/v1/traces", "POST", gzip.compress(bytes(LIMIT + 1), mtime=0), {**PROTOBUF, "Content-Encoding": "gzip"}, 413),
        ("/v1/traces", "POST", b"not gzip", {**JSON, "Content-Encoding": "gzip"}, 400),
        ("/v1/traces", "POST", gzip.compress(BODY, mtime=0)[:-9], {**PROTOBUF, "Content-Encoding": "gzip"}, 400),
        ("/v1/traces", "POST", gzip.compress(b"", mtime=0) * 100, {**PROTOBUF, "Content-Encoding": "gzip"}, 400),
        ("/v1/traces", "POST", b"", {**PROTOBUF, "Content-Encoding": "deflate"}, 400),
    ],
)
def test_what_is_wrong_is_answered_with_a_status_in_the_request_s_encoding(
    relay: Relay, handler: Handler, path: str, method: str, body: bytes, headers: dict[str, str], status: int
) -> None:
    answered, response_headers, content = relay.post(path, body, headers, method)
    assert answered == status
    if headers == JSON or headers.get("Content-Type") != "application/x-protobuf":
        assert json.loads(content)["message"]
    else:
        assert response_headers["content-type"] == "application/x-protobuf"
        assert Status.FromString(content).message
    assert ("allow" in response_headers) == (status == 405)
    assert not handler.requests


@pytest.mark.parametrize(
    ("body", "compression", "code"),
    [
        (bytes(LIMIT + 1), None, grpc.StatusCode.RESOURCE_EXHAUSTED),
        (b"\x0a" + bytes(1000 * LIMIT), grpc.Compression.Gzip, grpc.StatusCode.RESOURCE_EXHAUSTED),
        (b"\x1f\x8bno gzip", None, grpc.StatusCode.INVALID_ARGUMENT),
    ],
)
def test_too_large_or_damaged_over_grpc(
    relay: Relay, handler: Handler, body: bytes, compression: grpc.Compression | None, code: grpc.StatusCode
) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        relay.call("traces", body, compression=compression)
    assert caught.value.code() is code
    assert not handler.requests


def test_an_unknown_grpc_method_is_unimplemented(relay: Relay) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        relay.channel.unary_unary("/opentelemetry.proto.collector.trace.v1.TraceService/Import")(b"")
    assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED


def test_a_body_without_a_length_is_bounded_too(relay: Relay) -> None:
    status, _, _ = relay.post("/v1/traces", iter([b"x" * 1000] * 70), PROTOBUF)
    assert status == 413


def begun(port: int, *, length: int) -> socket.socket:
    """A request over HTTP of which the first byte arrives, and no more."""
    connection = socket.create_connection(("127.0.0.1", port), timeout=20)
    head = f"POST /v1/traces HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n"
    connection.sendall(f"{head}{{".encode())
    return connection


def test_a_request_that_never_arrives_gives_its_room_back(relay: Relay) -> None:
    with begun(relay.http_port, length=100) as slow:
        assert slow.recv(100).startswith(b"HTTP/1.1 503")


def test_the_slow_are_hurried_only_while_others_wait(handler: Handler) -> None:
    relay = Relay(handler, limits=Limits(body=LIMIT, in_flight=LIMIT, patience=60.0, hurry=0.1))
    try:
        with begun(relay.http_port, length=LIMIT) as slow:
            eventually(lambda: relay.budget.free, lambda free: free < relay.budget.size)
            time.sleep(0.3)
            slow.sendall(b"}" + b" " * (LIMIT - 2))
            assert slow.recv(100).startswith(b"HTTP/1.1 200")

        ended = threading.Event()

        def never() -> Iterator[bytes]:
            ended.wait()
            yield from ()

        stuck = relay.channel.stream_unary(f"/{SERVICES['traces']}/Export").future(never())
        eventually(lambda: relay.budget.free, lambda free: free == 0)
        with begun(relay.http_port, length=LIMIT) as slow:
            assert stuck.code() is grpc.StatusCode.UNAVAILABLE, "it makes room for the slow one"
            relay.call("traces", BODY)  # for which the slow one makes room
            assert slow.recv(100).startswith(b"HTTP/1.1 503")
        ended.set()
    finally:
        relay.close()


def test_memory_is_given_back_when_the_work_has_ended_also_after_a_cancellation() -> None:
    is_working, may_end = threading.Event(), threading.Event()

    async def slow(_: Request) -> ExportResult:
        is_working.set()
        await asyncio.get_running_loop().run_in_executor(None, may_end.wait, 60)
        return ExportResult()

    relay = Relay(slow, limits=Limits(body=LIMIT, in_flight=2 * LIMIT))
    try:
        call = relay.channel.unary_unary(f"/{SERVICES['traces']}/Export").future(BODY)
        assert is_working.wait(20)
        call.cancel()
        time.sleep(0.3)
        assert relay.budget.free < relay.budget.size
        may_end.set()
        assert eventually(lambda: relay.budget.free == relay.budget.size)
    finally:
        relay.close()


def test_announcing_much_and_sending_nothing_holds_up_nobody(handler: Handler) -> None:
    relay = Relay(handler, limits=Limits(patience=60.0, hurry=60.0))  # the silent keep their places throughout
    try:
        with contextlib.ExitStack() as silent:
            for _ in range(200):
                silent.enter_context(begun(relay.http_port, length=Limits().body))
            eventually(lambda: relay.budget.size - relay.budget.free, lambda held: held >= 200 * Limits().overhead)
            for _ in range(20):
                assert relay.post("/v1/traces", BODY, PROTOBUF)[0] == 200
                relay.call("traces", BODY)
    finally:
        relay.close()


def test_health_and_readiness(relay: Relay) -> None:
    assert relay.post("/healthz", b"", {}, "GET")[0] == 200
    assert relay.post("/readyz", b"", {}, "GET")[0] == 200
    relay.trouble = "the store cannot be written"
    status, _, body = relay.post("/readyz", b"", {}, "GET")
    assert (status, body) == (503, b"the store cannot be written\n")
    assert relay.post("/healthz", b"", {}, "GET")[0] == 200
