"""A collector under a mix of everything for long: our spans and those of others, in all encodings, beside faults.

While clients send, its backend goes away and comes back, it is stopped and killed, and damaged requests arrive. In the
end, its facts and counters must be those of a run without faults, all that it acknowledged of others must have reached
the backends unchanged, and its memory must not have grown over the last third, in which it is not killed.
"""

from __future__ import annotations

import contextlib
import http.client
import itertools
import json
import random
import signal
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

import grpc
from google.protobuf import json_format
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.metrics.v1.metrics_pb2 import Gauge, Metric, NumberDataPoint, ResourceMetrics, ScopeMetrics
from tests.collector import fuzz
from tests.collector.campaign import CONTENT_TYPE, PATIENCE, Backend, send, start
from tests.collector.dice import AFTER, Export, export, item
from tests.collector.otlp import log, logs, resource, span, traces
from tests.collector.process import Collect, eventually
from tests.collector.sinks import GrpcSink
from tests.store.build import SECOND, T0, finished, origin, stage

from cycletrace._internal.flow import Record, facts_of
from cycletrace._internal.otlp.signals import Encoding

SENDERS = 4
CYCLES = 3
"""Whole cycles in a request of ours: with ``--grace 0`` one could be counted between two requests."""
OPEN = 200
"""Cycles that never end, of which records go on to arrive."""
DAMAGED = 500
"""Damaged requests, which are repeated."""
ROOM = 16
"""MiB by which memory may be larger in the last sixth of the time than in the one before."""


class Result(NamedTuple):
    """What came of it."""

    faults: Counter[str]
    acknowledged: int
    """Requests, repeated ones included."""
    damaged: int
    cycles: int
    memory: tuple[int, int]
    """MiB, at most: in the last sixth of the time but one, and in the last."""


class Sent(NamedTuple):
    """A request, and the records of ours in it."""

    export: Export
    records: tuple[Record, ...] = ()


def request(seed: int, number: int) -> Sent:
    """Return the request with this number."""
    dice = random.Random(f"{seed} {number}")
    is_json = dice.random() < 0.3
    kind = dice.choice(("ours", "ours", "open", "traces", "logs", "metrics"))
    if kind == "ours":
        numbers = range(number * CYCLES, (number + 1) * CYCLES)
        records = tuple(record for n in numbers for record in finished(f"load@{n}", 60 * (n % 100_000), model="load"))
        return Sent(export([item(record) for record in records], "traces", "", is_json=is_json), records)
    if kind == "open":
        begun = stage(origin(f"open@{number % OPEN}", model="open"), "train", number % 100_000, lease=60)
        return Sent(export([item(begun)], "logs", "", is_json=is_json), (begun,))
    name, message = f"foreign {number}", None
    if kind == "metrics":  # to a gRPC backend, which JSON would reach in another form
        gauge = Metric(name=name, gauge=Gauge(data_points=[NumberDataPoint(as_int=number, time_unix_nano=T0)]))
        scoped = ResourceMetrics(resource=resource("other"), scope_metrics=[ScopeMetrics(metrics=[gauge])])
        message = ExportMetricsServiceRequest(resource_metrics=[scoped])
        return Sent(Export(kind, False, message.SerializeToString()))
    if kind == "traces":
        message = traces([span(name, {"http.route": "/"}, T0, T0 + SECOND)] * dice.randrange(1, 50), "other")
    else:
        message = logs([log(name, {"line": number}, time=T0)] * dice.randrange(1, 50), "other")
    if is_json:
        return Sent(Export(kind, True, json.dumps(json_format.MessageToDict(message)).encode()))
    return Sent(Export(kind, False, message.SerializeToString()))


class _Clients:
    """Threads that send, and what became of it."""

    def __init__(self, collector: Collect, seed: int, rate: float) -> None:
        self.acknowledged = 0
        self.damaged = 0
        self.foreign: set[tuple[str, bytes]] = set()
        """Signals, and digests of what was acknowledged of others."""
        self.memory: list[tuple[float, int]] = []
        """Instants, and MiB."""
        self._collector = collector
        self._seed = seed
        self._pause = SENDERS / rate
        self._numbers = itertools.count()
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._failures: list[BaseException] = []
        works = [self._send] * SENDERS + [self._send_damaged, self._look]
        self._threads = [threading.Thread(target=self._watched, args=(work,), daemon=True) for work in works]
        for thread in self._threads:
            thread.start()

    def stop(self) -> int:
        """Stop when all that was begun is acknowledged. Return how many requests there were."""
        self._over.set()
        deadline = time.monotonic() + PATIENCE
        for thread in self._threads:
            thread.join(max(deadline - time.monotonic(), 0.0))
            assert not thread.is_alive(), "each is acknowledged in the end"
        self.check()
        return next(self._numbers)

    def check(self) -> None:
        """Raise what failed in a thread."""
        for failure in self._failures:
            raise failure

    def _watched(self, work: Callable[[], None]) -> None:
        try:
            work()
        except BaseException as failure:
            self._failures.append(failure)

    def _send(self) -> None:
        dice = random.Random()
        while not self._over.wait(self._pause * dice.uniform(0.5, 1.5)):
            one = request(self._seed, next(self._numbers))
            for _ in range(2 if dice.random() < 0.1 else 1):
                while not send(self._collector, one.export, dice):
                    time.sleep(0.05)
                with self._lock:
                    self.acknowledged += 1
            if not one.records:
                with self._lock:
                    self.foreign.add((one.export.signal, sha256(one.export.body).digest()))

    def _send_damaged(self) -> None:
        while not self._over.wait(self._pause):
            one = fuzz.damaged(self._seed, self.damaged % DAMAGED)
            content_type = CONTENT_TYPE[one.encoding is Encoding.JSON]
            with contextlib.suppress(OSError, http.client.HTTPException):
                assert self._collector.post(one.signal.name, one.body, content_type) in {200, 400, 503}
            with contextlib.suppress(grpc.RpcError):
                self._collector.call(one.signal.name, one.body)
            with (
                contextlib.suppress(OSError),
                socket.create_connection(("127.0.0.1", self._collector.http_port)) as half,
            ):
                half.sendall(b"POST /v1/traces HTTP/1.1\r\nContent-Length: 100\r\nHost: x\r\n\r\n{")
            self.damaged += 1

    def _look(self) -> None:
        while not self._over.wait(2.0):
            with contextlib.suppress(OSError, http.client.HTTPException):
                self._collector.get("/metrics", port="prometheus")
                status = Path(f"/proc/{self._collector.process.pid}/status").read_text(encoding="ascii")
                size = next((int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS")), 0)
                self.memory.append((time.monotonic(), size // 1024))


def run(
    folder: Path, seconds: float, seed: int, rate: float = 20.0, say: Callable[[str], object] = lambda _: None
) -> Result:
    """Load a collector for so long, with this many requests per second.

    Raises:
        AssertionError: if anything was lost, counted twice or changed, or memory grew.
    """
    dice = random.Random(seed)
    backend, metrics = Backend(), GrpcSink()
    forward = [f"traces={backend.url}", f"logs={backend.url}", f"metrics={metrics.url}"]
    collector = Collect(folder / "store.db", "--grace", "0", *(word for one in forward for word in ("--forward", one)))
    faults: Counter[str] = Counter()
    began = time.monotonic()
    try:
        clients = _Clients(collector, seed, rate)
        while (passed := time.monotonic() - began) < seconds:
            time.sleep(min(dice.uniform(0.02, 0.1) * seconds, dice.uniform(5, 25), seconds - passed))
            fault = dice.choice(("backend", "stop", "kill") if passed < seconds * 2 / 3 - 30 else ("backend", "stop"))
            _fail(fault, collector, backend, dice)
            faults[fault] += 1
            clients.check()
            memory = clients.memory[-1][1] if clients.memory else 0
            say(f"{passed:.0f} s, {sum(faults.values())} faults, {clients.acknowledged} acknowledged, {memory} MiB")
        ended = time.monotonic()
        count = clients.stop()
        cycles = _check(collector, [record for n in range(count) for record in request(seed, n).records])
        arrived = {(one.signal, sha256(one.body).digest()) for one in (*backend.received(), *metrics.received)}
        assert clients.foreign <= arrived, "what others sent arrived unchanged"
        sixth = (ended - began) / 6
        before, last = (
            max((size for at, size in clients.memory if begin <= at < begin + sixth), default=0)
            for begin in (ended - 2 * sixth, ended - sixth)
        )
        assert last <= before + ROOM, f"memory grew from {before} to {last} MiB"
        assert not any("Traceback" in line for line in collector.output)
        return Result(faults, clients.acknowledged, clients.damaged, cycles, (before, last))
    finally:
        collector.kill()
        backend.fall()
        metrics.close()


def _fail(fault: str, collector: Collect, backend: Backend, dice: random.Random) -> None:
    if fault == "backend":
        backend.fall()
        time.sleep(dice.uniform(0.2, 3))
        backend.rise()
    elif fault == "stop":
        collector.process.send_signal(signal.SIGSTOP)
        time.sleep(dice.uniform(0.2, 3))
        collector.process.send_signal(signal.SIGCONT)
    else:
        collector.kill()
        time.sleep(dice.uniform(0, 1))
        assert start(collector, {})


def _check(collector: Collect, sent: list[Record]) -> int:
    """Compare with what follows from the records alone. Return how many cycles were counted."""
    wanted: list[dict[str, Any]] = json.loads(json.dumps(facts_of(sent, AFTER)))
    assert _sound(collector.facts("--at", str(AFTER))) == wanted, "facts as of a run without faults"
    counted = [one for one in wanted if one["outcome"] != "open"]
    name = "cycletrace_cycle_completed_total"
    total = eventually(lambda: collector.total(name, model_name="load"), lambda seen: seen == len(counted), PATIENCE)
    assert total == len(counted), "each cycle once"
    assert _sound(collector.facts("--as-observed")) == counted
    seconds = sum(length for one in counted for length in (one["activity_ns"] or {}).values()) / 1e9
    activity = collector.total("cycletrace_cycle_activity_seconds_total", model_name="load")
    assert abs(activity - seconds) < 1e-6 * max(seconds, 1.0)
    return len(counted)


def _sound(facts: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Facts of the cycles that are not of damaged requests."""
    return [one for one in facts if str(one["key"]).startswith(("load@", "open@"))]
