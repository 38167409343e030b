"""OTLP servers that keep what they receive, byte for byte, and respond as configured. No code of ours."""

from __future__ import annotations

import contextlib
import gzip
import socket
import threading
from concurrent import futures
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

import grpc

SERVICES = {
    "traces": "opentelemetry.proto.collector.trace.v1.TraceService",
    "logs": "opentelemetry.proto.collector.logs.v1.LogsService",
    "metrics": "opentelemetry.proto.collector.metrics.v1.MetricsService",
}


class Received(NamedTuple):
    signal: str
    body: bytes
    headers: dict[str, str]


class Sink:
    """What both kinds have: what was received, and the address."""

    def __init__(self) -> None:
        self.received: list[Received] = []
        self.lock = threading.Lock()
        self.port = 0

    def keep(self, signal: str, body: bytes, headers: dict[str, str]) -> None:
        with self.lock:
            self.received.append(Received(signal, body, headers))

    def bodies(self, signal: str) -> list[bytes]:
        with self.lock:
            return [received.body for received in self.received if received.signal == signal]


class HttpSink(Sink):
    """Answers every POST with ``status``, ``headers`` and ``body``."""

    def __init__(self, port: int = 0) -> None:
        super().__init__()
        self.status = 200
        self.headers: dict[str, str] = {"Content-Type": "application/x-protobuf"}
        self.body = b""
        self.connections = 0
        self._sockets: list[socket.socket] = []
        sink = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def setup(self) -> None:
                sink.connections += 1
                sink._sockets.append(self.request)
                super().setup()

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                headers = {name.lower(): value for name, value in self.headers.items()}
                if headers.get("content-encoding") == "gzip":
                    body = gzip.decompress(body)
                sink.keep(self.path.removeprefix("/").removeprefix("base/").removeprefix("v1/"), body, headers)
                self.send_response(sink.status)
                for name, value in {**sink.headers, "Content-Length": str(len(sink.body))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(sink.body)

            def log_message(self, *args: Any) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 128

            def handle_error(self, request: Any, client_address: Any) -> None:
                pass  # the sender was killed

        self._server = Server(("127.0.0.1", port), Handler)
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        for connection in self._sockets:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        self._thread.join()


class GrpcSink(Sink):
    """Answers every export with ``answer``, or with ``code``, ``message`` and ``trailing`` where a code is set."""

    def __init__(self, port: int = 0) -> None:
        super().__init__()
        self.code: grpc.StatusCode | None = None
        self.message = ""
        self.trailing: tuple[tuple[str, bytes], ...] = ()
        self.answer = b""
        self._server = grpc.server(
            futures.ThreadPoolExecutor(8), options=[("grpc.so_reuseport", 0), ("grpc.max_receive_message_length", -1)]
        )
        for signal, service in SERVICES.items():
            handler = grpc.unary_unary_rpc_method_handler(self._export(signal))
            self._server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service, {"Export": handler}),))
        self.port = self._server.add_insecure_port(f"127.0.0.1:{port}")
        self._server.start()

    def _export(self, signal: str) -> Any:
        def export(body: bytes, context: Any) -> bytes:
            self.keep(signal, body, dict(context.invocation_metadata()))
            if self.code is not None:
                context.set_trailing_metadata(self.trailing)
                context.abort(self.code, self.message)
            return self.answer

        return export

    @property
    def url(self) -> str:
        return f"grpc://127.0.0.1:{self.port}"

    def close(self) -> None:
        self._server.stop(0).wait()
