"""Measure the collector: durable spans of ours, forwarded foreign spans, and the delay until a metric is exposed.

    python benchmarks/collector.py --spans 100000

CPU seconds are those of the collector's process alone (user and system). Floors are of the same run: SQLite inserting
the rows that these records become, with the same durability in groups of the same size; and a server that passes bytes
on and does nothing else.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import multiprocessing
import os
import platform
import re
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import grpc
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span

from cycletrace import conventions as c
from cycletrace._internal.collector.reading import read
from cycletrace._internal.otlp.signals import TRACES, Encoding, Request
from cycletrace._internal.store.record_codec import encode

METHOD = TRACES.method
IN_REQUEST = 500
"""Spans in one request."""
SENDERS = 8
"""Concurrent requests."""
SECOND = 1_000_000_000
_TICKS = os.sysconf("SC_CLK_TCK")


def _span(number: int, start: int, attributes: dict[str, str]) -> Span:
    return Span(
        trace_id=number.to_bytes(16, "big"),
        span_id=(number + 1).to_bytes(8, "big"),
        name=attributes.get(c.STAGE_NAME, "GET /api"),
        kind=Span.SpanKind.SPAN_KIND_INTERNAL,
        start_time_unix_nano=start,
        end_time_unix_nano=start + SECOND,
        attributes=[KeyValue(key=key, value=AnyValue(string_value=value)) for key, value in attributes.items()],
    )


def _request(spans: Sequence[Span]) -> bytes:
    resource = Resource(attributes=[KeyValue(key="service.name", value=AnyValue(string_value="bench"))])
    request = ExportTraceServiceRequest(
        resource_spans=[ResourceSpans(resource=resource, scope_spans=[ScopeSpans(spans=spans)])]
    )
    serialized: bytes = request.SerializeToString()
    return serialized


def ours(count: int) -> Iterator[bytes]:
    """Return requests with our stages, ten to a cycle, as the pipelines of a team would send them."""
    now = time.time_ns() - 3600 * SECOND
    kinds = [kind for kind in c.KINDS if kind != c.OTHER] + ["test"]
    for begin in range(0, count, IN_REQUEST):
        spans = []
        for number in range(begin, min(begin + IN_REQUEST, count)):
            key = f"model{number // 10 % 20}@{number // 10}"
            attributes = {
                c.CYCLE_ID: c.cycle_id("", key),
                c.CYCLE_KEY: key,
                c.MODEL_NAME: key.partition("@")[0],
                c.STAGE_ID: f"{number:016x}",
                c.STAGE_NAME: kinds[number % 10],
                c.STAGE_KIND: kinds[number % 10],
                c.STAGE_OUTCOME: c.OK,
                c.STAGE_LAUNCH: "ci",
            }
            spans.append(_span(number, now + number % 10 * 60 * SECOND, attributes))
        yield _request(spans)


def foreign(count: int) -> Iterator[bytes]:
    """Return requests with foreign spans of eight attributes each."""
    attributes = {f"http.attribute.{index}": f"value {index}" for index in range(8)}
    for begin in range(0, count, IN_REQUEST):
        yield _request([_span(number, SECOND, attributes) for number in range(begin, min(begin + IN_REQUEST, count))])


# --- processes ----------------------------------------------------------------------------------------


async def _swallow(port: Any) -> None:
    async def export(_body: bytes, _context: Any) -> bytes:
        return b""

    await _listen(export, port)


async def _pass_on(port: Any, target: str) -> None:
    send = grpc.aio.insecure_channel(target).unary_unary(METHOD)

    async def export(body: bytes, _context: Any) -> bytes:
        answer: bytes = await send(body)
        return answer

    await _listen(export, port)


async def _listen(export: Any, port: Any) -> None:
    server = grpc.aio.server(options=[("grpc.max_receive_message_length", -1)])
    handler = grpc.unary_unary_rpc_method_handler(export)
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(TRACES.service, {"Export": handler}),))
    port.value = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    await server.wait_for_termination()


def _run_swallow(port: Any) -> None:
    asyncio.run(_swallow(port))


def _run_pass_on(port: Any, target: str) -> None:
    asyncio.run(_pass_on(port, target))


@contextlib.contextmanager
def server(run: Any, *arguments: str) -> Iterator[tuple[int, int]]:
    """Start a server in its own process. Return its process id and port."""
    spawn = multiprocessing.get_context("spawn")
    port = spawn.Value("i", 0)
    process = spawn.Process(target=run, args=(port, *arguments), daemon=True)
    process.start()
    while not port.value:
        time.sleep(0.05)
    time.sleep(0.3)
    assert process.pid is not None
    try:
        yield process.pid, port.value
    finally:
        process.terminate()
        process.join()


@contextlib.contextmanager
def collector(folder: Path, *options: str) -> Iterator[tuple[int, dict[str, int]]]:
    """Start a collector. Return its process id, and its ports by name."""
    addresses = [f"--{name}=127.0.0.1:0" for name in ("grpc", "http", "prometheus")]
    command = [sys.executable, "-m", "cycletrace", "collect", "--store", str(folder / "store.db"), *addresses, *options]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    ports: dict[str, int] = {}
    patterns = {"grpc": r"OTLP/gRPC .*:(\d+)$", "http": r"OTLP/HTTP .*:(\d+)$", "prometheus": r"Prometheus .*:(\d+)/"}
    while "prometheus" not in ports:
        line = process.stdout.readline().rstrip()
        for name, pattern in patterns.items():
            if found := re.search(pattern, line):
                ports[name] = int(found[1])
    try:
        yield process.pid, ports
    finally:
        process.terminate()
        process.wait()


def cpu_seconds(pid: int) -> float:
    """Return the user and system time of a process, seconds."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


async def _send(port: int, bodies: Sequence[bytes]) -> None:
    left = iter(bodies)
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        export = channel.unary_unary(METHOD)

        async def sender() -> None:
            for body in left:
                await export(body)

        await asyncio.gather(*(sender() for _ in range(SENDERS)))


def cost(pid: int, port: int, bodies: Sequence[bytes]) -> tuple[float, float]:
    """Return CPU and elapsed seconds until all requests are answered."""
    cpu, began = cpu_seconds(pid), time.monotonic()
    asyncio.run(_send(port, bodies))
    return cpu_seconds(pid) - cpu, time.monotonic() - began


# --- what is measured ---------------------------------------------------------------------------------


def durable(count: int) -> None:
    """Measure spans of ours: received, decoded, committed, with and without folding."""
    bodies = list(ours(count))
    groups = []
    for body in bodies:
        records = read(Request(TRACES, Encoding.PROTOBUF, body)).records
        groups.append(sorted((record.origin.cycle_id, encode(record)) for record in records))
    with tempfile.TemporaryDirectory() as folder, collector(Path(folder)) as (pid, ports):
        cpu, elapsed = cost(pid, ports["grpc"], bodies)
        time.sleep(1.0)
        before = -1.0
        while cpu_seconds(pid) - before > 0.05:  # until everything is folded
            before = cpu_seconds(pid)
            time.sleep(1.0)
        whole = cpu_seconds(pid)
    with tempfile.TemporaryDirectory() as folder:
        connection = sqlite3.connect(Path(folder) / "bare.db", isolation_level=None)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("CREATE TABLE r (cycle_id TEXT, body TEXT, PRIMARY KEY (cycle_id, body)) WITHOUT ROWID")
        began = time.process_time()
        for rows in groups:
            connection.execute("BEGIN IMMEDIATE")
            connection.executemany("INSERT OR IGNORE INTO r VALUES (?, ?)", rows)
            connection.execute("COMMIT")
        floor = time.process_time() - began
        connection.close()
    print(f"durable stage spans: {count / cpu:,.0f} per CPU-second when the last is answered ({elapsed:.1f} s elapsed)")
    print(f"  with all folding after: {count / whole:,.0f} per CPU-second")
    print(f"  floor, SQLite's inserts: {count / floor:,.0f} per CPU-second, so {cpu / floor:.1f} times the floor")


def forwarded(count: int) -> None:
    """Measure foreign spans, forwarded over gRPC."""
    count *= 20  # they cost so little that fewer could not be distinguished from none
    bodies = list(foreign(IN_REQUEST)) * (count // IN_REQUEST)
    with server(_run_swallow) as (_, sink):
        with server(_run_pass_on, f"127.0.0.1:{sink}") as (pid, port):
            floor, _ = cost(pid, port, bodies)
        with tempfile.TemporaryDirectory() as folder:
            options = ("--forward", f"grpc://127.0.0.1:{sink}")
            with collector(Path(folder), *options) as (pid, ports):
                cpu, elapsed = cost(pid, ports["grpc"], bodies)
    print(f"forwarded foreign spans: {count / cpu:,.0f} per CPU-second ({elapsed:.1f} s elapsed)")
    print(f"  floor, a bare forward: {count / floor:,.0f} per CPU-second, so {cpu / floor:.1f} times the floor")


def latency(times: int) -> None:
    """Measure the delay between the end of the grace period and the metric at ``/metrics``."""
    delays = []
    grace = 1.0
    with tempfile.TemporaryDirectory() as folder, collector(Path(folder), "--grace", f"{grace:g}") as (_, ports):
        for number in range(times):
            key = f"latency@{number}"
            declared = {c.CYCLE_ID: c.cycle_id("", key), c.CYCLE_KEY: key, c.MODEL_NAME: "latency"}
            now = time.time_ns()
            body = _request([_span(number, now, {**declared, c.CYCLE_OUTCOME: c.ABANDONED})])
            asyncio.run(_send(ports["grpc"], [body]))
            began = time.monotonic()
            while _told(ports["prometheus"]) <= number:
                time.sleep(0.01)
            delays.append(time.monotonic() - began - grace)
    print(f"from close plus grace to the metric: median {statistics.median(delays):.3f} s, longest {max(delays):.3f} s")


def _told(port: int) -> int:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
        text = answer.read().decode()
    return sum(
        int(line.rpartition(" ")[2])
        for line in text.splitlines()
        if line.startswith("cycletrace_cycle_completed_total")
    )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--spans", type=int, default=100_000)
    parser.add_argument("--times", type=int, default=10)
    args = parser.parse_args()
    print(f"{platform.platform()}, Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}")
    durable(args.spans)
    forwarded(args.spans)
    latency(args.times)


if __name__ == "__main__":
    main()
