"""Nothing that arrives crashes the collector, hangs it, fills its memory, or spoils what others send."""

from __future__ import annotations

import contextlib
import gzip
import http.client
import json
import random
import resource
import socket
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf import json_format
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
from tests.collector import fuzz
from tests.collector.dice import exports, item, records
from tests.collector.otlp import cycle_attributes, span, traces
from tests.collector.process import Collect, eventually
from tests.collector.sinks import SERVICES
from tests.collector.test_end import seconds_to_end

from cycletrace import conventions as c

Start = Callable[..., Collect]
SECOND = 1_000_000_000


def close(key: str, **more: Any) -> bytes:
    attributes = {**cycle_attributes(key), c.CYCLE_OUTCOME: "abandoned", **more}
    now = time.time_ns()
    body: bytes = traces([span("close", attributes, now - SECOND, now)]).SerializeToString()
    return body


def still_works(collector: Collect) -> None:
    key = f"sound@{random.randrange(10**9)}"
    assert collector.post("traces", close(key)) == 200
    assert [one["outcome"] for one in collector.facts("--cycle", key)] == ["abandoned"]
    assert collector.get("/readyz")[0] == 200
    assert collector.process.poll() is None
    assert not any("Traceback" in line for line in collector.output)


def resident(collector: Collect) -> int:
    """Peak memory, MiB."""
    status = Path(f"/proc/{collector.process.pid}/status").read_text(encoding="ascii")
    (line,) = (line for line in status.splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) // 1024


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in (1, 2))])
def test_damaged_requests_of_any_kind(collect: Start, seed: int) -> None:
    collector = collect("--grace", "0")
    dice = random.Random(seed)
    some = exports([item(record) for record in records(seed, 200)], dice)

    def damaged(body: bytes) -> bytes:
        hurt = bytearray(body)
        for _ in range(dice.randrange(1, 6)):
            at = dice.randrange(len(hurt))
            kind = dice.randrange(4)
            if kind == 0:
                hurt[at] = dice.randrange(256)
            elif kind == 1:
                del hurt[at : at + dice.randrange(1, 20)]
            elif kind == 2:
                hurt[at:at] = dice.randbytes(dice.randrange(1, 20))
            else:
                hurt = hurt[: at + 1]
            if not hurt:
                return b"\xff"
        return bytes(hurt)

    for _ in range(150):
        one = dice.choice(some)
        body = damaged(one.body)
        if one.is_json or dice.random() < 0.5:
            content_type = "application/json" if one.is_json else "application/x-protobuf"
            assert collector.post(one.signal, body, content_type) in {200, 400}
        else:
            try:
                collector.call(one.signal, body)
            except grpc.RpcError as error:
                assert error.code() is grpc.StatusCode.INVALID_ARGUMENT  # noqa: PT017
    still_works(collector)
    assert collector.metrics()


def nested(depth: int) -> bytes:
    return b'{"resourceSpans":[{"x":' + b'{"cycletrace.":[' * depth + b"]}" * depth + b"}]}"


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("application/json", b"[" * 2_000_000),
        ("application/json", nested(100_000)),
        ("application/json", b'{"a":' * 1_000_000),
        ("application/json", b'{"resourceSpans":[' + b"{}," * 3_000_000 + b'{}],"cycletrace.":1}'),
        ("application/json", b'{"cycletrace.":' + b"1" * 5_000_000 + b"}"),
        ("application/x-protobuf", b"\x0a\x00" * 5_000_000 + b"\x0a\x0bcycletrace."),
        ("application/x-protobuf", b"cycletrace." * 1_000_000),
    ],
    # Each test's name is in the environment of the processes that it starts, where a body would not fit.
    ids=["brackets", "nested", "braces", "empty objects", "long number", "empty resources", "nothing but our name"],
)
def test_bodies_that_are_all_structure(collect: Start, content_type: str, body: bytes) -> None:
    collector = collect()
    assert collector.post("traces", body, content_type) in {200, 400}
    still_works(collector)
    assert resident(collector) < 1500


@pytest.mark.slow
def test_bombs_and_too_large_requests_together_stay_in_their_bounds(collect: Start) -> None:
    collector = collect("--max-in-flight", "64MiB")
    bomb = gzip.compress(b"\x0a" + bytes(500 * 1024 * 1024))
    large = b"\x0a" + bytes(15 * 1024 * 1024)

    def attack(number: int) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", collector.http_port, timeout=60)
        headers = {"Content-Type": "application/x-protobuf"}
        with contextlib.suppress(OSError, grpc.RpcError, http.client.HTTPException):
            if number % 3 == 0:
                connection.request("POST", "/v1/traces", bomb, {**headers, "Content-Encoding": "gzip"})
                assert connection.getresponse().status in {413, 503}
            elif number % 3 == 1:
                connection.request("POST", "/v1/traces", large, headers)
                assert connection.getresponse().status in {400, 503}
            else:
                collector.call("logs", large, compression=grpc.Compression.Gzip)
        connection.close()

    with ThreadPoolExecutor(24) as pool:
        list(pool.map(attack, range(48)))
    still_works(collector)
    assert resident(collector) < 700


def test_slow_and_silent_connections_do_not_keep_others_out(collect: Start, tmp_path: Path) -> None:
    collector = collect()
    with contextlib.ExitStack() as stack:
        for number in range(100):
            slow = stack.enter_context(socket.create_connection(("127.0.0.1", collector.http_port)))
            head = b"POST /v1/traces HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: 100\r\nHost: x\r\n"
            slow.sendall(head if number % 2 else head + b"\r\n{")
        for _ in range(100):
            stack.enter_context(socket.create_connection(("127.0.0.1", collector.grpc_port))).sendall(b"PRI * HT")
        still_works(collector)
        undisturbed = seconds_to_end(collect(store=tmp_path / "undisturbed.db"))
        assert seconds_to_end(collector) < 5 + 5 * undisturbed, "they do not hold up the end either"


def test_unfinished_streams_of_some_clients_do_not_keep_others_out(collect: Start) -> None:
    collector = collect()
    never = threading.Event()

    def unfinished() -> Iterator[bytes]:
        never.wait(60)
        yield b""

    with contextlib.ExitStack() as stack:
        for _ in range(4):
            own = [("grpc.use_local_subchannel_pool", 1)]  # a connection of its own
            channel = stack.enter_context(grpc.insecure_channel(f"127.0.0.1:{collector.grpc_port}", options=own))
            export = channel.stream_unary(f"/{SERVICES['traces']}/Export")
            for _ in range(100):
                stack.callback(export.future(unfinished()).cancel)
        stack.callback(never.set)
        for number in range(3):
            collector.call("traces", close(f"sound@{number}"))
            assert collector.post("traces", close(f"fine@{number}")) == 200
    still_works(collector)


def test_connections_beyond_those_allowed_are_closed_and_keep_nobody_out(collect: Start) -> None:
    collector = collect()
    resource.prlimit(collector.process.pid, resource.RLIMIT_NOFILE, (400, 400))  # a quarter for each server
    with contextlib.ExitStack() as stack:
        idle = [
            stack.enter_context(socket.create_connection(("127.0.0.1", collector.http_port), timeout=20))
            for _ in range(250)
        ]
        for first in idle[:150]:
            assert first.recv(1) == b"", "those that were silent for longest are closed"
        still_works(collector)
        latest = idle[-1]
        latest.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        assert latest.recv(15) == b"HTTP/1.1 200 OK"


def test_a_request_with_many_bad_records_lets_others_pass(collect: Start) -> None:
    collector = collect()
    mark = {c.CYCLE_ID: "no id", c.MARK_NAME: "in_use"}
    now = time.time_ns()
    spans = [span("mark in_use", {**mark, c.CYCLE_KEY: f"k@{number}"}, now, now) for number in range(30_000)]
    body = traces(spans).SerializeToString()
    with ThreadPoolExecutor(1) as pool:
        large = pool.submit(collector.call, "traces", body)
        others = 0
        while not large.done():
            assert collector.post("traces", close(f"sound@{others}")) == 200
            others += 1
        answer = ExportTraceServiceResponse.FromString(large.result())
    assert answer.partial_success.rejected_spans == len(spans)
    assert others >= 5, "each takes milliseconds, the large one a second"
    collector.call("traces", body)
    assert collector.total("cycletrace_record_rejected_total") == len(spans), "each counts once"


def test_names_of_any_kind_and_length(collect: Start) -> None:
    collector = collect("--grace", "0")
    names = ["\x00", "a\nb", '"}', "\u202e", "💥" * 1000, "x" * 4096, "{}", "le", "%s", "'; DROP TABLE cycles; --"]
    for name in names:
        more = {c.MODEL_NAME: name, c.MODEL_DOMAIN: name, c.CYCLE_TRIGGER: name}
        assert collector.post("traces", close("k@1", **more, **{c.CYCLE_ID: c.cycle_id("", name)})) == 200
    done = "cycletrace_cycle_completed_total"
    assert eventually(lambda: collector.total(done), lambda seen: seen == len(names)) == len(names)
    assert {one["model"] for one in collector.facts()} == set(names)
    half = json.loads(json.dumps(json_format.MessageToDict(traces([span("x", {}, 1, 1)]))))
    half["resourceSpans"][0]["scopeSpans"][0]["spans"][0] = {
        "startTimeUnixNano": "5",
        "attributes": [
            {"key": key, "value": {"stringValue": value}}
            for key, value in ((c.CYCLE_ID, "a" * 32), (c.MARK_NAME, "in_use"), (c.MODEL_NAME, "\ud800"))
        ],
    }
    assert collector.post("traces", json.dumps(half).encode(), "application/json") == 200
    still_works(collector)


def test_a_cycle_that_cannot_be_folded_holds_up_no_other(collect: Start, tmp_path: Path) -> None:
    collector = collect("--grace", "0")
    collector.post("traces", close("poisoned@1"))
    done = "cycletrace_cycle_completed_total"
    assert eventually(lambda: collector.total(done)) == 1
    with sqlite3.connect(tmp_path / "store.db", timeout=10) as damage:  # as a disk might
        damage.execute("UPDATE records SET body = '[99]' WHERE cycle_id = ?", (c.cycle_id("", "poisoned@1"),))
    damage.close()
    collector.post("traces", close("poisoned@1", **{c.MODEL_VERSION: "2"}))
    for number in range(20):
        collector.post("traces", close(f"sound@{number}"))
    assert eventually(lambda: collector.total(done), lambda seen: seen == 21) == 21
    assert sum("cannot be folded" in line for line in collector.output) == 1


def test_a_full_disk_asks_senders_to_come_again_and_is_over_when_there_is_room(collect: Start, tmp_path: Path) -> None:
    collector = collect()
    assert collector.post("traces", close("before@1")) == 200
    pid = collector.process.pid
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (4096, resource.RLIM_INFINITY))  # no file may grow beyond this
    assert collector.post("traces", close("during@1")) == 503
    assert eventually(lambda: collector.get("/readyz")[0], lambda seen: seen == 503) == 503
    assert collector.get("/healthz")[0] == 200
    with pytest.raises(grpc.RpcError) as caught:
        collector.call("traces", close("during@1"))
    assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
    assert collector.post("traces", traces([span("GET", {}, 1, 2)]).SerializeToString()) == 200, "foreign ones pass"
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    assert eventually(lambda: collector.post("traces", close("during@1")), lambda seen: seen == 200) == 200
    assert eventually(lambda: collector.get("/readyz")[0], lambda seen: seen == 200) == 200
    assert {one["key"] for one in collector.facts()} == {"before@1", "during@1"}
    assert sum("can be written again" in line for line in collector.output) == 1


def test_connections_beyond_the_soft_limit_of_files_keep_nobody_out(collect: Start) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, hard))  # what is started inherits it
    try:
        collector = collect()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    with contextlib.ExitStack() as idle:
        for _ in range(100):
            idle.enter_context(socket.create_connection(("127.0.0.1", collector.http_port)))
        still_works(collector)


def test_damaged_requests_are_read_and_folded_without_an_exception() -> None:
    """The short form of ``scripts/fuzz_collector.py``."""
    outcome = fuzz.run(seed=1, first=0, count=3000)
    assert min(outcome.refused, outcome.records, outcome.invalid) > 100, "they are damaged, but not beyond use"


def test_a_huge_cycle_is_bounded_and_its_sender_learns_it(collect: Start) -> None:
    collector = collect("--cycle-limit", "50")
    now = time.time_ns()

    def stages(key: str, first: int, count: int) -> bytes:
        names = {c.STAGE_NAME: "train", **cycle_attributes(key)}
        spans = [span("train", {**names, c.STAGE_ID: f"{n:016x}"}, now, now + n) for n in range(first, first + count)]
        body: bytes = traces(spans).SerializeToString()
        return body

    assert collector.call("traces", stages("sweep@1", 1, 50)) == b""
    for _ in range(2):
        answer = ExportTraceServiceResponse.FromString(collector.call("traces", stages("sweep@1", 41, 20)))
        assert answer.partial_success.rejected_spans == 10
        assert "as many records or keys as one may have" in answer.partial_success.error_message
    assert collector.call("traces", stages("other@1", 1, 50)) == b""
    assert [len(one["stages"]) for one in collector.facts()] == [50, 50]
    assert collector.total("cycletrace_record_rejected_total") == 10, "each counts once"


def test_keys_of_one_cycle_share_what_it_may_have(collect: Start) -> None:
    """Who spreads records over aliases of a cycle gets no further than under one key."""
    collector = collect("--cycle-limit", "50")
    now = time.time_ns()
    claims = [
        span("alias", {**cycle_attributes("sweep@1"), c.ALIAS_KEY: f"run-{number}"}, now, now) for number in range(10)
    ]
    assert collector.call("traces", traces(claims).SerializeToString()) == b""
    rejected = 0
    for number in range(10):
        attributes = {**cycle_attributes(f"run-{number}"), c.STAGE_NAME: "train"}
        stages = [span("train", {**attributes, c.STAGE_ID: f"{number:08x}{n:08x}"}, now, now + n) for n in range(10)]
        answer = ExportTraceServiceResponse.FromString(collector.call("traces", traces(stages).SerializeToString()))
        rejected += answer.partial_success.rejected_spans
    assert rejected == 10 + 100 - 50
    (sweep,) = collector.facts("--cycle", "sweep@1")
    assert len(sweep["stages"]) == 40


def test_a_cycle_that_is_stored_in_parts_is_counted_as_a_whole(collect: Start) -> None:
    """Without a grace period, too, none of its request's records is late."""
    collector = collect("--grace", "0")
    now = time.time_ns()
    attributes = {**cycle_attributes("sweep@1"), c.STAGE_NAME: "train"}
    spans = [span("close", {**cycle_attributes("sweep@1"), c.CYCLE_OUTCOME: "abandoned"}, now, now)]
    spans += [
        span("train", {**attributes, c.STAGE_ID: f"{number:016x}"}, now - number, now) for number in range(30_000)
    ]
    assert collector.call("traces", traces(spans).SerializeToString()) == b""
    done = "cycletrace_cycle_completed_total"
    assert eventually(lambda: collector.total(done)) == 1
    assert collector.total("cycletrace_record_late_total") == 0
    (observed,) = collector.facts("--as-observed")
    assert len(observed["stages"]) == 30_000
