"""TLS on everything that the collector listens on."""

from __future__ import annotations

import http.client
import os
import shutil
import ssl
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import grpc
import pytest
from tests.certificates import certificate
from tests.collector.process import Collect
from tests.collector.sinks import SERVICES
from tests.collector.test_access import close
from tests.collector.test_start import refused_here

Start = Callable[..., Collect]
Pair = tuple[Path, Path]
"""A key and a certificate."""


@pytest.fixture
def server(tmp_path: Path) -> Pair:
    return certificate(tmp_path, "server")


@pytest.fixture
def client(tmp_path: Path) -> Pair:
    return certificate(tmp_path, "client")


def get(port: int, path: str, trusted: Path, own: Pair | None = None) -> int:
    context = ssl.create_default_context(cafile=trusted)
    if own is not None:
        context.load_cert_chain(own[1], own[0])
    connection = http.client.HTTPSConnection("127.0.0.1", port, timeout=60, context=context)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    finally:
        connection.close()


def export(port: int, body: bytes, trusted: Path, own: Pair | None = None) -> grpc.StatusCode:
    key, made = (None, None) if own is None else (path.read_bytes() for path in own)
    credentials = grpc.ssl_channel_credentials(trusted.read_bytes(), key, made)
    with grpc.secure_channel(f"127.0.0.1:{port}", credentials) as channel:
        try:
            channel.unary_unary(f"/{SERVICES['traces']}/Export")(body, timeout=60)
        except grpc.RpcError as error:
            code: grpc.StatusCode = error.code()
            return code
    return grpc.StatusCode.OK


def test_all_that_listens_does_so_over_tls(collect: Start, server: Pair) -> None:
    files = ("--tls-cert", str(server[1]), "--tls-key", str(server[0]))
    collector = collect(*files, "--board", "127.0.0.1:0")
    assert export(collector.grpc_port, close("grpc@1"), server[1]) is grpc.StatusCode.OK
    for port, path in (
        (collector.http_port, "/readyz"),
        (collector._ports["prometheus"], "/metrics"),
        (collector.board_port, "/"),
    ):
        assert get(port, path, server[1]) == 200
    with pytest.raises((OSError, http.client.HTTPException)):
        collector.get("/readyz")
    with pytest.raises(grpc.RpcError):
        collector.call("traces", close("plain@1"), wait_for_ready=False)
    assert [facts["key"] for facts in collector.facts()] == ["grpc@1"]


def test_only_clients_with_a_certificate_connect(collect: Start, server: Pair, client: Pair, tmp_path: Path) -> None:
    files = ("--tls-cert", str(server[1]), "--tls-key", str(server[0]), "--tls-client-ca", str(client[1]))
    collector = collect(*files, "--prometheus", "0.0.0.0:0")  # others may reach it, which needs nothing more
    stranger = certificate(tmp_path, "stranger")
    assert get(collector.http_port, "/readyz", server[1], client) == 200
    assert export(collector.grpc_port, close("known@1"), server[1], client) is grpc.StatusCode.OK
    for own in (None, stranger):
        with pytest.raises((OSError, http.client.HTTPException)):
            get(collector.http_port, "/readyz", server[1], own)
        assert export(collector.grpc_port, close("unknown@1"), server[1], own) is grpc.StatusCode.UNAVAILABLE
    for protocol, port in (("http/protobuf", collector.http_port), ("grpc", collector.grpc_port)):
        environment = {
            **os.environ,
            "CYCLETRACE_DIR": str(tmp_path / protocol.replace("/", "-")),
            "OTEL_EXPORTER_OTLP_ENDPOINT": f"https://127.0.0.1:{port}",
            "OTEL_EXPORTER_OTLP_PROTOCOL": protocol,
            "OTEL_EXPORTER_OTLP_CERTIFICATE": str(server[1]),
            "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE": str(client[1]),
            "OTEL_EXPORTER_OTLP_CLIENT_KEY": str(client[0]),
        }
        for arguments in (["mark", "in_use", "--cycle", f"{protocol}@1"], ["flush"]):
            command = [sys.executable, "-m", "cycletrace", *arguments]
            done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
            assert done.returncode == 0, done.stderr
    assert {facts["key"] for facts in collector.facts()} == {"known@1", "http/protobuf@1", "grpc@1"}


def test_new_certificates_take_effect_without_a_restart(
    collect: Start, server: Pair, client: Pair, tmp_path: Path
) -> None:
    files = ("--tls-cert", str(server[1]), "--tls-key", str(server[0]), "--tls-client-ca", str(client[1]))
    collector = collect(*files)
    old, former = tmp_path / "old.pem", (client[0], tmp_path / "former.pem")
    shutil.copy(server[1], old)
    shutil.copy(client[1], former[1])
    assert get(collector.http_port, "/readyz", old, client) == 200
    server[1].write_text("damaged")
    assert get(collector.http_port, "/readyz", old, client) == 200
    assert export(collector.grpc_port, close("a@1"), old, client) is grpc.StatusCode.OK
    later, other = certificate(tmp_path, "later"), certificate(tmp_path, "other")
    shutil.copy(later[0], server[0])
    shutil.copy(later[1], server[1])
    shutil.copy(other[1], client[1].with_suffix(".new"))
    client[1].with_suffix(".new").replace(client[1])
    assert get(collector.http_port, "/readyz", later[1], other) == 200
    assert export(collector.grpc_port, close("b@1"), later[1], other) is grpc.StatusCode.OK
    with pytest.raises(ssl.SSLError):
        get(collector.http_port, "/readyz", old, other)
    with pytest.raises((OSError, http.client.HTTPException)):
        get(collector.http_port, "/readyz", later[1], former)
    for trusted, own in ((old, other), (later[1], former)):
        assert export(collector.grpc_port, close("c@1"), trusted, own) is grpc.StatusCode.UNAVAILABLE
    assert any("stays in effect" in line for line in collector.output)
    assert not any("Traceback" in line for line in collector.output)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--tls-key", __file__], "need tls-cert"),
        (["--tls-client-ca", __file__], "need tls-cert"),
        (["--tls-cert", "/nowhere.pem"], "there is no file"),
        (["--tls-cert", __file__], "A certificate cannot be read"),
    ],
)
def test_what_cannot_be_used_ends_the_start(tmp_path: Path, options: list[str], sentence: str) -> None:
    done = refused_here("--store", str(tmp_path / "store.db"), *options)
    assert (done.returncode, done.stdout) == (2, "")
    assert sentence in done.stderr
    assert len(done.stderr.splitlines()) == 1
