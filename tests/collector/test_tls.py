"""Backends behind TLS: trusted by their certificate, and by no other."""

from __future__ import annotations

import ssl
import subprocess
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
from tests.collector.test_start import refused_here

from cycletrace._internal.otlp.endpoint import Endpoint, TlsFiles

PROTOBUF = {"Content-Type": "application/x-protobuf"}
BODY = b"\x0a\x00"


@pytest.fixture
def trusted(tmp_path: Path) -> tuple[Path, Path]:
    return certificate(tmp_path, "trusted")


@pytest.fixture
def client(tmp_path: Path) -> tuple[Path, Path]:
    return certificate(tmp_path, "client")


def https_server(trusted: tuple[Path, Path], client: Path | None = None) -> Iterator[str]:
    """A backend, that lets in whoever has this client's certificate only."""

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
    if client is not None:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(client)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield f"https://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()
    thread.join()


def grpcs_server(trusted: tuple[Path, Path], client: Path | None = None) -> Iterator[str]:
    server = grpc.server(futures.ThreadPoolExecutor(2))
    method = grpc.unary_unary_rpc_method_handler(lambda _body, _context: b"")
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICES["traces"], {"Export": method}),))
    key, made = trusted
    pair = [(key.read_bytes(), made.read_bytes())]
    roots = None if client is None else client.read_bytes()
    credentials = grpc.ssl_server_credentials(pair, roots, require_client_auth=roots is not None)
    port = server.add_secure_port("127.0.0.1:0", credentials)
    server.start()
    yield f"grpcs://127.0.0.1:{port}"
    server.stop(0).wait()


@pytest.fixture
def https(trusted: tuple[Path, Path]) -> Iterator[str]:
    yield from https_server(trusted)


@pytest.fixture
def grpcs(trusted: tuple[Path, Path]) -> Iterator[str]:
    yield from grpcs_server(trusted)


@pytest.fixture
def https_asking(trusted: tuple[Path, Path], client: tuple[Path, Path]) -> Iterator[str]:
    yield from https_server(trusted, client[1])


@pytest.fixture
def grpcs_asking(trusted: tuple[Path, Path], client: tuple[Path, Path]) -> Iterator[str]:
    yield from grpcs_server(trusted, client[1])


@pytest.mark.parametrize("kind", ["https", "grpcs"])
def test_a_certificate_is_trusted_where_it_is_named(
    request: pytest.FixtureRequest, tmp_path: Path, trusted: tuple[Path, Path], kind: str
) -> None:
    url = request.getfixturevalue(kind)
    _, other = certificate(tmp_path, "other")
    for certificates, expected in ((trusted[1], 200), (other, 503), (None, 503)):
        relay = Relay(targets={"traces": [Endpoint(url, tls=TlsFiles(certificates), timeout=3.0)]})
        try:
            assert relay.post("/v1/traces", BODY, PROTOBUF)[0] == expected
        finally:
            relay.close()


@pytest.mark.parametrize("kind", ["https_asking", "grpcs_asking"])
def test_a_backend_that_asks_who_we_are_gets_our_certificate(
    request: pytest.FixtureRequest, tmp_path: Path, trusted: tuple[Path, Path], client: tuple[Path, Path], kind: str
) -> None:
    url = request.getfixturevalue(kind)
    both = tmp_path / "both.pem"
    both.write_bytes(client[0].read_bytes() + client[1].read_bytes())
    stranger_key, stranger = certificate(tmp_path, "stranger")
    for own, expected in (
        (TlsFiles(trusted[1], client[1], client[0]), 200),
        (TlsFiles(trusted[1], both), 200),
        (TlsFiles(trusted[1], stranger, stranger_key), 503),
        (TlsFiles(trusted[1]), 503),
    ):
        relay = Relay(targets={"traces": [Endpoint(url, tls=own, timeout=3.0)]})
        try:
            assert relay.post("/v1/traces", BODY, PROTOBUF)[0] == expected
        finally:
            relay.close()


@pytest.mark.parametrize("scheme", ["https", "grpcs"])
def test_files_that_are_no_certificates_are_reported_at_the_start(
    tmp_path: Path, trusted: tuple[Path, Path], client: tuple[Path, Path], scheme: str
) -> None:
    store = ["--store", str(tmp_path / "store.db"), "--grpc", "127.0.0.1:0", "--http", "127.0.0.1:0"]
    config = tmp_path / "collect.toml"
    locked = tmp_path / "locked.key"
    subprocess.run(
        ["openssl", "ec", "-in", client[0], "-out", locked, "-aes128", "-passout", "pass:secret"],
        check=True,
        capture_output=True,
    )
    for setting, sentence in (
        (f'certificate = "{client[0]}"', "A certificate cannot be read"),
        (f'client-certificate = "{client[1]}"\nclient-key = "{trusted[0]}"', "A certificate cannot be read"),
        (f'client-certificate = "{client[1]}"\nclient-key = "{locked}"', "A certificate cannot be read"),
        (f'client-key = "{client[0]}"', "without a client's certificate"),
        ('client-certificate = "/nowhere.pem"', "there is no file"),
    ):
        config.write_text(f'[[forward]]\nurl = "{scheme}://127.0.0.1:1"\n{setting}\n')
        done = refused_here(*store, "--config", str(config))
        assert done.returncode == 2
        assert sentence in done.stderr
        assert len(done.stderr.splitlines()) == 1
