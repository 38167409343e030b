"""Backends behind TLS: trusted by their certificate, and by no other."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Iterator
from concurrent import futures
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import grpc
import pytest
from tests.certificates import certificate
from tests.collector.relay import Relay
from tests.collector.sinks import SERVICES

from cycletrace.collector.backend import Target

PROTOBUF = {"Content-Type": "application/x-protobuf"}
BODY = b"\x0a\x00"


@pytest.fixture
def trusted(tmp_path: Path) -> tuple[Path, Path]:
    return certificate(tmp_path, "trusted")


@pytest.fixture
def https(trusted: tuple[Path, Path]) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *args: object) -> None:
            pass

    class Server(HTTPServer):
        def handle_error(self, request: object, client_address: object) -> None:
            pass  # a handshake that the client breaks off

    server = Server(("127.0.0.1", 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(trusted[1], trusted[0])
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield f"https://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def grpcs(trusted: tuple[Path, Path]) -> Iterator[str]:
    server = grpc.server(futures.ThreadPoolExecutor(2))
    method = grpc.unary_unary_rpc_method_handler(lambda _body, _context: b"")
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICES["traces"], {"Export": method}),))
    key, made = trusted
    port = server.add_secure_port("127.0.0.1:0", grpc.ssl_server_credentials([(key.read_bytes(), made.read_bytes())]))
    server.start()
    yield f"grpcs://127.0.0.1:{port}"
    server.stop(0).wait()


@pytest.mark.parametrize("kind", ["https", "grpcs"])
def test_a_certificate_is_trusted_where_it_is_named(
    request: pytest.FixtureRequest, tmp_path: Path, trusted: tuple[Path, Path], kind: str
) -> None:
    url = request.getfixturevalue(kind)
    _, other = certificate(tmp_path, "other")
    for certificates, expected in ((trusted[1], 200), (other, 503), (None, 503)):
        relay = Relay(targets={"traces": [Target(url, certificate=certificates, timeout=3.0)]})
        try:
            assert relay.post("/v1/traces", BODY, PROTOBUF)[0] == expected
        finally:
            relay.close()
