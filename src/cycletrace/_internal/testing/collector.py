"""An OTLP server on 127.0.0.1, over HTTP or gRPC, that decodes and stores requests, and fails on demand."""

from __future__ import annotations

import gzip
import ssl
import threading
import time
from collections.abc import Iterator, Mapping
from concurrent import futures
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest, ExportLogsServiceResponse
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

from cycletrace import conventions as c

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from typing_extensions import Self

TRACES, LOGS = "traces", "logs"
HTTP, GRPC = "http/protobuf", "grpc"
_PATHS = {"/v1/traces": TRACES, "/v1/logs": LOGS}
_SERVICES = {TRACES: "trace.v1.TraceService", LOGS: "logs.v1.LogsService"}
_GRPC_CODES = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "UNIMPLEMENTED",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    503: "UNAVAILABLE",
}


@dataclass
class Reply:
    """The response to a signal: a status (as in HTTP), a delay, a hang, or a closed connection."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    """HTTP headers; over gRPC only ``Retry-After``, as a ``RetryInfo``."""
    content: bytes | None = None
    """The body of a successful HTTP response, instead of the correct one."""
    rejected: int = 0
    """Number of rejected records in a partial success."""
    message: str = ""
    delay: float = 0.0
    """Seconds before the response."""
    hangs: bool = False
    """True to accept the connection and never respond."""
    dies: bool = False
    """True to close the connection during the request."""
    keeps: bool = False
    """With ``dies``, true to store the request first: a crash between commit and response."""


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


class FakeCollector:
    """An OTLP server that stores requests, and whose responses can be changed while it runs.

    It listens inside ``with FakeCollector() as collector:``, at ``collector.endpoint``.
    """

    def __init__(self, protocol: str = HTTP, tls: tuple[Path, Path] | None = None) -> None:
        """Set the protocol, ``http/protobuf`` or ``grpc``, and for ``tls`` the PEM files of certificate and key."""
        self.protocol = protocol
        self.tls = tls
        self.replies = {TRACES: Reply(), LOGS: Reply()}
        """The response to each signal."""
        self.accepted: dict[str, list[Received]] = {TRACES: [], LOGS: []}
        """What programs recorded, by signal."""
        self.roots: list[Received] = []
        """The root spans that programs derived from it."""
        self.asked: list[tuple[str, dict[str, str]]] = []
        """Signal and headers (with lower-case names) of each request, including rejected ones."""
        self.released = threading.Event()
        """When set, hanging requests continue."""
        self._lock = threading.Lock()
        self._port = 0
        self._stop: Callable[[], None] | None = None

    @property
    def endpoint(self) -> str:
        """The URL for ``OTEL_EXPORTER_OTLP_ENDPOINT`` or ``configure(endpoint=...)``."""
        return f"{'http' if self.tls is None else 'https'}://127.0.0.1:{self._port}"

    @property
    def spans(self) -> list[Received]:
        """The spans that it accepted, but for those in :attr:`roots`."""
        return list(self.accepted[TRACES])

    @property
    def logs(self) -> list[Received]:
        """The log records that it accepted."""
        return list(self.accepted[LOGS])

    def names(self, signal: str = TRACES) -> list[str]:
        """Return the names of the accepted records, sorted."""
        return sorted(record.name for record in self.accepted[signal])

    def requests(self, signal: str = TRACES) -> list[dict[str, str]]:
        """Return the headers of each request, including rejected ones; their number is the number of requests."""
        return [headers for asked, headers in list(self.asked) if asked == signal]

    def reply_with(self, **how: Any) -> None:
        """Set the response to both signals, with the arguments of :class:`Reply`; without any, succeed."""
        self.replies.update({signal: Reply(**how) for signal in self.replies})

    def wait_for(self, count: int, signal: str = TRACES, seconds: float = 20.0) -> bool:
        """Wait for this many records, and return whether they arrived in time."""
        deadline = time.monotonic() + seconds
        while len(self.accepted[signal]) < count and time.monotonic() < deadline:
            time.sleep(0.02)
        return len(self.accepted[signal]) >= count

    def listen(self) -> None:
        """Start listening; after :meth:`refuse`, on the same port."""
        if self._stop is None:
            self._port, self._stop = (_serve_grpc if self.protocol == GRPC else _serve_http)(self, self._port)

    def refuse(self) -> None:
        """Stop listening, so that connections are refused."""
        if self._stop is not None:
            self._stop()
            self._stop = None

    def __enter__(self) -> Self:
        self.listen()
        return self

    def __exit__(self, *_: object) -> None:
        self.released.set()
        self.refuse()

    def take(self, signal: str, body: bytes, headers: Mapping[str, str]) -> Reply:
        """Record a request, store its records if they should be stored, and return the response."""
        reply = self.replies[signal]
        with self._lock:
            self.asked.append((signal, {name.lower(): value for name, value in headers.items()}))
        if reply.delay:
            time.sleep(reply.delay)
        if reply.hangs:
            self.released.wait(60)
        elif reply.keeps or (reply.status == 200 and not reply.dies):
            with self._lock:
                for received in _decode(signal, body):
                    (self.roots if c.DERIVED in received.attributes else self.accepted[signal]).append(received)
        return reply


def _answer(signal: str, reply: Reply) -> bytes:
    """Return the body of a successful response."""
    if reply.content is not None:
        return reply.content
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


def _decode(signal: str, body: bytes) -> Iterator[Received]:
    if signal == TRACES:
        for resource_spans in ExportTraceServiceRequest.FromString(body).resource_spans:
            for scope_spans in resource_spans.scope_spans:
                for span in scope_spans.spans:
                    yield Received(
                        span.name,
                        span.trace_id.hex(),
                        span.span_id.hex(),
                        span.parent_span_id.hex(),
                        _plain(span.attributes),
                        _plain(resource_spans.resource.attributes),
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
                    _plain(record.attributes),
                    _plain(resource_logs.resource.attributes),
                )


def _plain(attributes: Any) -> dict[str, Any]:
    return {item.key: getattr(item.value, item.value.WhichOneof("value")) for item in attributes}


def _serve_http(collector: FakeCollector, port: int) -> tuple[int, Callable[[], None]]:
    """Serve OTLP/HTTP on this port, 0 for any. Return the port and a function that stops it."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            signal = _PATHS.get(self.path)
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if signal is None:
                self.send_error(404)
                return
            if self.headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            reply = collector.take(signal, body, dict(self.headers))
            if reply.hangs or reply.dies:
                self.close_connection = True
                return
            answer = _answer(signal, reply) if reply.status == 200 else b""
            self.send_response(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Type", "application/x-protobuf")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def handle(self) -> None:
            with suppress(ConnectionError):  # the client was killed or gave up
                super().handle()

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - by the interface
            """Log nothing."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, request: Any, client_address: Any) -> None:
            """Ignore a handshake that the client aborted."""

    server = Server(("127.0.0.1", port), Handler)
    if collector.tls is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*collector.tls)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()

    def stop() -> None:
        server.shutdown()
        thread.join()
        server.server_close()

    return server.server_address[1], stop


def _retry_info(reply: Reply) -> bytes:
    """Return the status details that ask the client to retry later."""
    from google.rpc.error_details_pb2 import RetryInfo
    from google.rpc.status_pb2 import Status

    status, info = Status(), RetryInfo()
    info.retry_delay.FromSeconds(int(reply.headers["Retry-After"]))
    status.details.add().Pack(info)
    return bytes(status.SerializeToString())


def _serve_grpc(collector: FakeCollector, port: int) -> tuple[int, Callable[[], None]]:
    """Serve OTLP/gRPC on this port, 0 for any. Return the port and a function that stops it."""
    import grpc

    server = grpc.server(futures.ThreadPoolExecutor(4))

    def method(signal: str) -> Any:
        def export(body: bytes, context: Any) -> bytes:
            headers = {name: value for name, value in context.invocation_metadata() if isinstance(value, str)}
            reply = collector.take(signal, body, headers)
            if reply.dies:
                server.stop(None)
            if reply.status != 200:
                if "Retry-After" in reply.headers:
                    context.set_trailing_metadata((("grpc-status-details-bin", _retry_info(reply)),))
                context.abort(getattr(grpc.StatusCode, _GRPC_CODES[reply.status]), "as configured")
            return _answer(signal, reply)

        return grpc.unary_unary_rpc_method_handler(export)

    for signal, service in _SERVICES.items():
        handler = grpc.method_handlers_generic_handler(
            f"opentelemetry.proto.collector.{service}", {"Export": method(signal)}
        )
        server.add_generic_rpc_handlers([handler])
    if collector.tls is None:
        port = server.add_insecure_port(f"127.0.0.1:{port}")
    else:
        certificate, key = (path.read_bytes() for path in collector.tls)
        port = server.add_secure_port(f"127.0.0.1:{port}", grpc.ssl_server_credentials([(key, certificate)]))
    server.start()

    def stop() -> None:
        server.stop(None).wait(5)

    return port, stop
