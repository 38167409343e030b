"""A real OTLP server on 127.0.0.1, by HTTP or gRPC: it decodes and keeps what it accepts, and misbehaves as told."""

from __future__ import annotations

import gzip
import threading
import time
from collections.abc import Iterator, Mapping
from concurrent import futures
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import grpc
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest, ExportLogsServiceResponse
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

TRACES, LOGS = "traces", "logs"
PATHS = {"/v1/traces": TRACES, "/v1/logs": LOGS}
GRPC_CODES = {
    400: grpc.StatusCode.INVALID_ARGUMENT,
    401: grpc.StatusCode.UNAUTHENTICATED,
    404: grpc.StatusCode.UNIMPLEMENTED,
    503: grpc.StatusCode.UNAVAILABLE,
}


@dataclass
class Reply:
    """How a signal is answered: by a status (in HTTP's numbers), late, never, or by closing the connection."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    rejected: int = 0
    message: str = ""
    delay: float = 0.0
    hangs: bool = False
    dies: bool = False
    keeps: bool = False
    """Whether it keeps what it then dies over: a crash between commit and answer."""


@dataclass
class Received:
    """A span or a log record as it arrived."""

    name: str
    trace_id: str
    span_id: str
    parent: str
    attributes: dict[str, Any]
    resource: dict[str, Any]
    is_error: bool = False


class OtlpServer:
    """What was asked of it and what it accepted. ``replies`` may be changed while it runs."""

    def __init__(self) -> None:
        self.replies = {TRACES: Reply(), LOGS: Reply()}
        self.accepted: dict[str, list[Received]] = {TRACES: [], LOGS: []}
        self.asked: list[tuple[str, dict[str, str]]] = []
        """Signal and headers (names in lower case) of each request, refused ones included."""
        self.endpoint = ""
        self.is_grpc = False
        self.released = threading.Event()
        self._lock = threading.Lock()

    @property
    def spans(self) -> list[Received]:
        return list(self.accepted[TRACES])

    @property
    def logs(self) -> list[Received]:
        return list(self.accepted[LOGS])

    def names(self, signal: str = TRACES) -> list[str]:
        return sorted(record.name for record in self.accepted[signal])

    def requests(self, signal: str) -> list[dict[str, str]]:
        return [headers for asked, headers in list(self.asked) if asked == signal]

    def reply_with(self, **how: Any) -> None:
        """Answer both signals alike."""
        self.replies.update({signal: Reply(**how) for signal in self.replies})

    def wait_for(self, count: int, signal: str = TRACES, seconds: float = 20.0) -> bool:
        """Whether this many records arrive in time."""
        deadline = time.monotonic() + seconds
        while len(self.accepted[signal]) < count and time.monotonic() < deadline:
            time.sleep(0.02)
        return len(self.accepted[signal]) >= count

    def take(self, signal: str, body: bytes, headers: Mapping[str, str]) -> Reply:
        """Note the request, keep its records if they are to be kept, and say how to answer."""
        reply = self.replies[signal]
        with self._lock:
            self.asked.append((signal, {name.lower(): value for name, value in headers.items()}))
        if reply.delay:
            time.sleep(reply.delay)
        if reply.hangs:
            self.released.wait(60)
        elif reply.keeps or (reply.status == 200 and not reply.dies):
            with self._lock:
                self.accepted[signal].extend(decode(signal, body))
        return reply

    def answer(self, signal: str, reply: Reply) -> bytes:
        """The body of a success."""
        if signal == TRACES:
            traces = ExportTraceServiceResponse()
            if reply.rejected:
                traces.partial_success.rejected_spans = reply.rejected
                traces.partial_success.error_message = reply.message
            return bytes(traces.SerializeToString())
        logs = ExportLogsServiceResponse()
        if reply.rejected:
            logs.partial_success.rejected_log_records = reply.rejected
            logs.partial_success.error_message = reply.message
        return bytes(logs.SerializeToString())


def decode(signal: str, body: bytes) -> Iterator[Received]:
    if signal == TRACES:
        for resource_spans in ExportTraceServiceRequest.FromString(body).resource_spans:
            for scope_spans in resource_spans.scope_spans:
                for span in scope_spans.spans:
                    yield Received(
                        span.name,
                        span.trace_id.hex(),
                        span.span_id.hex(),
                        span.parent_span_id.hex(),
                        plain(span.attributes),
                        plain(resource_spans.resource.attributes),
                        span.status.code == span.status.STATUS_CODE_ERROR,
                    )
        return
    for resource_logs in ExportLogsServiceRequest.FromString(body).resource_logs:
        for scope_logs in resource_logs.scope_logs:
            for record in scope_logs.log_records:
                yield Received(
                    record.event_name,
                    record.trace_id.hex(),
                    record.span_id.hex(),
                    "",
                    plain(record.attributes),
                    plain(resource_logs.resource.attributes),
                )


def plain(attributes: Any) -> dict[str, Any]:
    return {item.key: getattr(item.value, item.value.WhichOneof("value")) for item in attributes}


@contextmanager
def http_server() -> Iterator[OtlpServer]:
    """An OTLP/HTTP server."""
    state = OtlpServer()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            signal = PATHS[self.path]
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            reply = state.take(signal, body, dict(self.headers))
            if reply.hangs or reply.dies:
                self.close_connection = True
                return
            answer = state.answer(signal, reply) if reply.status == 200 else b""
            self.send_response(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Type", "application/x-protobuf")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def handle(self) -> None:
            with suppress(ConnectionError):  # a client that was killed, or that gave up
                super().handle()

        def log_message(self, *args: Any) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        state.endpoint = f"http://127.0.0.1:{server.server_address[1]}"
        try:
            yield state
        finally:
            state.released.set()
            server.shutdown()
            thread.join()


@contextmanager
def grpc_server() -> Iterator[OtlpServer]:
    """An OTLP/gRPC server."""
    state = OtlpServer()
    state.is_grpc = True

    def method(signal: str) -> grpc.RpcMethodHandler:
        def export(body: bytes, context: grpc.ServicerContext) -> bytes:
            headers = {name: value for name, value in context.invocation_metadata() if isinstance(value, str)}
            reply = state.take(signal, body, headers)
            if reply.dies:
                server.stop(None)
            if reply.status != 200:
                context.abort(GRPC_CODES[reply.status], "as told")
            return state.answer(signal, reply)

        return grpc.unary_unary_rpc_method_handler(export)

    server = grpc.server(futures.ThreadPoolExecutor(4))
    for signal, service in (("traces", "trace.v1.TraceService"), ("logs", "logs.v1.LogsService")):
        name = f"opentelemetry.proto.collector.{service}"
        server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler(name, {"Export": method(signal)})])
    state.endpoint = f"http://127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    server.start()
    try:
        yield state
    finally:
        state.released.set()
        server.stop(None).wait(5)


SERVERS = {"http/protobuf": http_server, "grpc": grpc_server}
