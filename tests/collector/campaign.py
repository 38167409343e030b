"""A collector that is killed again and again while clients send, on disks and in front of backends that fail.

What it acknowledged must be in its store once, its facts and metrics must be those of a run without faults, and a
derived span that reaches the backend more than once must be the same bytes each time.
"""

from __future__ import annotations

import json
import os
import random
import resource
import signal
import subprocess
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import grpc
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from tests.collector.dice import AFTER, Export, exports, item, records
from tests.collector.process import Collect, eventually
from tests.collector.sinks import HttpSink, Received
from tests.store.build import finished

from cycletrace._internal.flow import Record, facts_of
from cycletrace._internal.store.record_codec import encode

SOURCE = Path(__file__).with_name("faulty.c")
RECORDS = 400
CYCLES = 200
SENDERS = 4
PATIENCE = 120.0
"""Seconds within which everything must be taken once nothing fails any more."""


class Result(NamedTuple):
    """What a campaign did."""

    faults: Counter[str]
    acknowledged: int
    """Requests, repeated ones included."""
    stored: int
    """Records."""
    closed: int
    """Cycles in the metrics."""


def build(folder: Path) -> Path:
    """Compile the library that is preloaded. It takes gcc."""
    library = folder / "faulty.so"
    subprocess.run(["gcc", "-shared", "-fPIC", "-O1", "-o", library, SOURCE, "-ldl"], check=True, timeout=60)
    return library


def run(folder: Path, kills: int, seed: int, say: Callable[[str], object] = lambda _: None) -> Result:
    """Run a campaign with at least this many kills, half of them while records arrive, half while cycles are exported.

    Raises:
        AssertionError: if anything was lost, counted twice or changed.
    """
    dice = random.Random(seed)
    library = build(folder)
    sent = some_records(seed)
    sink = Backend()
    collector = Collect(folder / "store.db", "--grace", "1h", "--forward", f"traces={sink.url}")
    faults: Counter[str] = Counter()
    try:
        with sending([collector], exports([item(record) for record in sent], dice), seed) as taken:
            while sum(faults.values()) < kills / 2:
                faults[_fail(collector, library, sink, dice)] += 1
                say(f"{sum(faults.values())} of {kills} kills, {len(taken)} requests acknowledged")
            sink.rise()
            start(collector, {})
        assert collector.stop() == 0
        collector._options = ("--grace", "0", "--forward", f"traces={sink.url}")
        while sum(faults.values()) < kills:
            faults[_fail(collector, library, sink, dice)] += 1
            say(f"{sum(faults.values())} of {kills} kills")
        sink.rise()
        start(collector, {})
        closed = check(collector, sent, sink)
        return Result(faults, len(taken), stored(collector), closed)
    finally:
        collector.kill()
        sink.fall()


def some_records(seed: int) -> list[Record]:
    """Records of everything at once, and of many cycles as teams make them."""
    return [*records(seed, RECORDS), *(one for n in range(CYCLES) for one in finished(f"plain@{n}", 60 * n))]


class Backend:
    """A backend that can be killed and come back on its port. It keeps what it received."""

    def __init__(self) -> None:
        self._sink: HttpSink | None = HttpSink()
        self._port = self._sink.port
        self._received: list[Received] = []
        self.url = self._sink.url

    def fall(self) -> None:
        if self._sink is not None:
            self._sink.close()
            self._received += self._sink.received
            self._sink = None

    def rise(self) -> None:
        if self._sink is None:
            self._sink = HttpSink(self._port)

    def received(self) -> list[Received]:
        if self._sink is None:
            return list(self._received)
        with self._sink.lock:
            return [*self._received, *self._sink.received]


def start(collector: Collect, env: Mapping[str, str]) -> bool:
    """Start it with these variables. Return whether it got as far as to listen."""
    if collector.process.poll() is None:
        collector.kill()
    collector._environment = {**os.environ, **env}
    try:
        collector.start()
    except AssertionError:  # it was killed during the start, or could not use the store
        collector.process.wait(30)
        return False
    return True


def _fail(collector: Collect, library: Path, sink: Backend, dice: random.Random) -> str:
    """Kill the collector in one of many ways, and start it again. Return which."""
    fault = dice.choice(("moment", "write", "write", "start", "slow", "failing", "full", "stopped", "backend"))
    env: dict[str, str] = {}
    if fault in {"write", "start"}:  # the first writes are those of recovery
        env = {"LD_PRELOAD": str(library), "CRASH_AT": str(dice.randrange(1, 12 if fault == "start" else 60))}
    elif fault == "slow":
        env = {"LD_PRELOAD": str(library), "SYNC_DELAY": "50000"}
    elif fault == "failing":
        env = {"LD_PRELOAD": str(library), "SYNC_FAILS": str(dice.randrange(1, 40))}
    if not start(collector, env):
        return fault
    if fault == "full":
        size = Path(collector.store).stat().st_size + dice.randrange(4096, 200_000)
        resource.prlimit(collector.process.pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
    elif fault == "stopped":
        collector.process.send_signal(signal.SIGSTOP)
        time.sleep(dice.uniform(0.2, 1.0))
        collector.process.send_signal(signal.SIGCONT)
    elif fault == "backend":
        sink.fall()
    until = time.monotonic() + dice.uniform(0.05, 0.8)
    while time.monotonic() < until and collector.process.poll() is None:
        time.sleep(0.01)
    if fault == "backend":
        sink.rise()
    if collector.process.poll() is None:
        collector.kill()
        return "moment" if "CRASH_AT" in env else fault  # it did not come to that write
    return fault


@contextmanager
def sending(collectors: Sequence[Collect], some: list[Export], seed: int) -> Iterator[list[int]]:
    """Send each of these at least once, and go on repeating them in the block. Yields the numbers of those taken.

    Each time to any of the collectors, as behind a load balancer.
    """
    taken: list[int] = []
    is_over = threading.Event()

    def sender(number: int) -> None:
        dice = random.Random(seed + number)
        mine = list(range(number, len(some), SENDERS))
        dice.shuffle(mine)
        while mine or not is_over.is_set():
            at = mine[-1] if mine else dice.randrange(len(some))
            if send(dice.choice(collectors), some[at], dice):
                taken.append(at)
                if mine:
                    mine.pop()
            else:
                time.sleep(0.02)

    threads = [threading.Thread(target=sender, args=(number,), daemon=True) for number in range(SENDERS)]
    for thread in threads:
        thread.start()
    yield taken
    is_over.set()
    deadline = time.monotonic() + PATIENCE
    for thread in threads:
        thread.join(max(deadline - time.monotonic(), 0.0))
    assert set(taken) == set(range(len(some))), "each was acknowledged in the end"


def send(collector: Collect, one: Export, dice: random.Random) -> bool:
    """Send a request over gRPC or HTTP. Return whether it was acknowledged."""
    try:
        if not one.is_json and dice.random() < 0.5:
            collector.call(one.signal, one.body)
            return True
        return collector.post(one.signal, one.body, CONTENT_TYPE[one.is_json]) == 200
    except (OSError, EOFError, grpc.RpcError):
        return False
    except Exception as error:  # http.client's own, of a connection that was cut
        if type(error).__module__ == "http.client":
            return False
        raise


CONTENT_TYPE = {False: "application/x-protobuf", True: "application/json"}


def stored(collector: Collect) -> int:
    command = ["store", "info", "--json", "--store", str(collector.store)]
    done = subprocess.run(["cycletrace", *command], capture_output=True, check=True, timeout=60)
    count: int = json.loads(done.stdout)["records"]
    return count


def check(collector: Collect, sent: list[Record], sink: Backend) -> int:
    """Compare with what follows from the records alone. Return how many cycles are in the metrics."""
    wanted: list[dict[str, Any]] = json.loads(json.dumps(facts_of(sent, AFTER)))
    assert collector.facts("--at", str(AFTER)) == wanted, "facts as of a run without faults"
    assert stored(collector) == len({(record.origin.cycle_id, encode(record)) for record in sent}), "each record once"
    counted = [
        one
        for one in wanted
        if one["outcome"] != "open" and (not one["implicit"] or one["marks"]["selected"] is not None)
    ]
    name = "cycletrace_cycle_completed_total"
    total = eventually(lambda: collector.total(name), lambda seen: seen == len(counted), PATIENCE)
    assert total == len(counted), "each cycle once"
    assert collector.facts("--as-observed") == counted
    seconds = sum(length for one in counted for length in (one["activity_ns"] or {}).values()) / 1e9
    assert abs(collector.total("cycletrace_cycle_activity_seconds_total") - seconds) < 1e-6 * max(seconds, 1.0)
    outbox = "cycletrace_collector_outbox"
    assert eventually(lambda: collector.total(outbox), lambda seen: seen == 0, PATIENCE) == 0
    variants: dict[tuple[bytes, bytes], set[bytes]] = defaultdict(set)
    for one in sink.received():
        if one.headers["content-type"] != CONTENT_TYPE[False]:  # derived spans are sent in protobuf
            continue
        for resource_spans in ExportTraceServiceRequest.FromString(one.body).resource_spans:
            for scope in resource_spans.scope_spans:
                if scope.scope.name == "cycletrace.collector":
                    for span in scope.spans:
                        variants[span.trace_id, span.span_id].add(span.SerializeToString())
    roots = {trace.hex() for trace, _ in variants}
    assert {one["cycle_id"] for one in counted} <= roots, "each cycle's derived spans arrived"
    assert all(len(some) == 1 for some in variants.values()), "a derived span is the same bytes each time"
    return len(counted)
