"""What one address takes up, others do not have to wait for."""

from __future__ import annotations

import contextlib
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
import pytest
from tests.certificates import certificate
from tests.collector import process
from tests.collector.process import Collect, eventually
from tests.collector.raw_grpc import OTHER, RST_STREAM, begun, connection, frame
from tests.collector.sinks import SERVICES
from tests.collector.test_hostile import close, still_works
from tests.collector.test_listening_tls import export, get

Start = Callable[..., Collect]
FILES = 400
"""Files that a collector may open: a quarter for the connections of each server."""


@pytest.fixture
def few_files(monkeypatch: pytest.MonkeyPatch) -> None:
    """Collectors that may open few files."""
    monkeypatch.setattr(process, "COMMAND", ["prlimit", f"--nofile={FILES}:{FILES}", *process.COMMAND])


@contextlib.contextmanager
def held() -> Iterator[list[socket.socket]]:
    """Sockets that are closed in the end."""
    some: list[socket.socket] = []
    yield some
    for one in some:
        one.close()


def files(collector: Collect) -> int:
    return sum(1 for _ in Path(f"/proc/{collector.process.pid}/fd").iterdir())


def is_closed(connection: socket.socket) -> bool:
    connection.setblocking(False)
    try:
        while connection.recv(4096):
            pass
    except BlockingIOError:
        return False
    except OSError:
        pass
    return True


def seconds_of(collector: Collect, calls: int) -> list[float]:
    """How long requests over gRPC take, each on a connection of its own, the longest last."""
    taken = []
    for number in range(calls):
        began = time.monotonic()
        collector.call("traces", close(f"timed@{number}"))
        taken.append(time.monotonic() - began)
    return sorted(taken)


def test_silent_streams_on_hundreds_of_connections_of_one_address_delay_no_other(collect: Start) -> None:
    """An address has one turn, however many connections it has."""
    collector = collect()
    with held() as silent:
        silent += [connection(collector.grpc_port, begun(1)) for _ in range(250)]
        in_flight = "cycletrace_collector_in_flight_bytes"
        assert eventually(lambda: collector.total(in_flight), lambda seen: seen > 64 << 20) > 64 << 20
        taken = seconds_of(collector, 100)
        assert taken[98] < 1.0, "one in a hundred"
    still_works(collector)


def test_many_clients_behind_one_address_are_all_served(collect: Start) -> None:
    """Those behind one address share what one address may hold, and that is enough."""
    collector = collect()

    def send(number: int) -> None:
        own = [("grpc.use_local_subchannel_pool", 1)]  # a connection of its own
        with grpc.insecure_channel(f"127.0.0.1:{collector.grpc_port}", options=own) as channel:
            export = channel.unary_unary(f"/{SERVICES['traces']}/Export")
            for again in range(5):
                export(close(f"behind@{number}-{again}"), timeout=60)

    with ThreadPoolExecutor(100) as pool:
        list(pool.map(send, range(100)))
    assert len(collector.facts()) == 500


def test_streams_that_are_reset_at_once_delay_no_other(collect: Start) -> None:
    """A connection that begins and resets streams as fast as it can has no more than its share."""
    collector = collect()
    with ThreadPoolExecutor(1) as pool, held() as some:

        def attack() -> None:
            until = time.monotonic() + 5
            while time.monotonic() < until:
                with contextlib.suppress(OSError):
                    some.append(connection(collector.grpc_port))
                    for first in range(1, 100_000, 200):
                        numbers = range(first, first + 200, 2)
                        cancel = b"\0\0\0\x08"
                        some[-1].sendall(b"".join(begun(n) + frame(RST_STREAM, 0, n, cancel) for n in numbers))

        attacking = pool.submit(attack)
        taken = []
        while not attacking.done():
            began = time.monotonic()
            with contextlib.suppress(grpc.RpcError):  # some are refused, and would be repeated
                collector.call("traces", close("k@1"))
            taken.append(time.monotonic() - began)
        attacking.result()
    assert sorted(taken)[int(len(taken) * 0.98)] < 1.0
    still_works(collector)


@pytest.mark.parametrize("frames", [(), (begun(1),)], ids=["idle", "with a stream"])
def test_connections_over_grpc_are_bounded_and_one_address_leaves_some_to_others(
    collect: Start, few_files: None, frames: tuple[bytes, ...]
) -> None:
    """There are no more than a quarter of the files, and no address has more of them than it leaves."""
    collector = collect()
    with held() as some:
        some += [connection(collector.grpc_port, *frames) for _ in range(250)]
        most = FILES // 4
        left = eventually(lambda: sum(not is_closed(one) for one in some), lambda seen: seen <= most // 2)
        assert 0 < left <= most // 2
        assert files(collector) < most
        assert seconds_of(collector, 10)[-1] < 1.0
        still_works(collector)


def test_of_silent_connections_those_of_the_address_with_most_are_closed(collect: Start, few_files: None) -> None:
    """Beyond the number of connections, whoever has few keeps them, however long they are silent."""
    collector = collect()
    with held() as some:
        few = [socket.create_connection(("127.0.0.1", collector.http_port)) for _ in range(10)]
        many = [
            socket.create_connection(("127.0.0.1", collector.http_port), source_address=(OTHER, 0)) for _ in range(250)
        ]
        some += few + many
        assert eventually(lambda: sum(map(is_closed, many)), lambda seen: seen >= 160) >= 160
        assert not any(map(is_closed, few))
        still_works(collector)


@pytest.mark.parametrize("port", ["grpc", "http"])
def test_handshakes_that_never_end_keep_nobody_out(collect: Start, few_files: None, tmp_path: Path, port: str) -> None:
    """Handshakes of TLS under way count as silent connections, and are given up after ten seconds."""
    key, made = certificate(tmp_path, "server")
    collector = collect("--tls-cert", str(made), "--tls-key", str(key))
    attacked = getattr(collector, f"{port}_port")
    with held() as some:
        some += [
            socket.create_connection(("127.0.0.1", attacked), timeout=20, source_address=(OTHER, 0)) for _ in range(250)
        ]
        for one in some[::2]:
            one.sendall(b"\x16\x03\x01\x02\x00\x01")  # the first bytes of a hello
        assert eventually(lambda: files(collector), lambda seen: seen < FILES // 2) < FILES // 2
        assert get(collector.http_port, "/readyz", made) == 200
        code = eventually(
            lambda: export(collector.grpc_port, close("k@1"), made), lambda seen: seen is grpc.StatusCode.OK, 5.0
        )
        assert code is grpc.StatusCode.OK
        context = ssl.create_default_context(cafile=made)
        assert eventually(lambda: all(map(is_closed, some)), timeout=30), "none lasts for longer"
        with socket.create_connection(("127.0.0.1", collector.http_port)) as plain:
            assert context.wrap_socket(plain, server_hostname="localhost").version()
