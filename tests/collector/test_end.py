"""SIGTERM and SIGINT: what was accepted is kept, the metrics are exported, and it takes less than five seconds."""

from __future__ import annotations

import contextlib
import http.client
import signal
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from tests.collector.otlp import SECOND, a_cycle, cycle_attributes, span, traces
from tests.collector.process import Collect, eventually
from tests.collector.sinks import HttpSink

from cycletrace import conventions as c

Start = Callable[..., Collect]


def seconds_to_end(collector: Collect) -> float:
    began = time.monotonic()
    assert collector.stop() == 0
    return time.monotonic() - began


@pytest.fixture
def longest(collect: Start, tmp_path: Path) -> float:
    """Seconds in which it must end: five, and more where one that has nothing to do is slow, too."""
    return 5 + 5 * seconds_to_end(collect(store=tmp_path / "undisturbed.db"))


def test_it_ends_in_order_within_seconds(collect: Start, http_sink: HttpSink) -> None:
    collector = collect("--metrics-to", http_sink.url, "--interval", "1h", "--grace", "0")
    collector.post("traces", traces(a_cycle("churn@7", time.time_ns() - 3 * 3600 * SECOND)).SerializeToString())
    assert collector.stop() == 0
    (body,) = http_sink.bodies("metrics")
    names = [m.name for m in ExportMetricsServiceRequest.FromString(body).resource_metrics[0].scope_metrics[0].metrics]
    assert c.CYCLE_COMPLETED in names, "exported before it ended"
    assert not any("Traceback" in line for line in collector.output)


def test_a_backend_that_hangs_does_not_hold_up_the_end(collect: Start, longest: float) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        collector = collect("--forward", f"http://127.0.0.1:{silent.getsockname()[1]}")
        body = traces([span("GET", {}, 1, 2)]).SerializeToString()

        def send() -> None:
            with contextlib.suppress(OSError, http.client.HTTPException):
                collector.post("traces", body)

        sender = threading.Thread(target=send)
        sender.start()
        silent.accept()
        assert seconds_to_end(collector) < longest
        sender.join()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_repeated_signals_change_nothing(collect: Start, http_sink: HttpSink, number: signal.Signals) -> None:
    collector = collect("--metrics-to", http_sink.url, "--interval", "1h")
    while collector.process.poll() is None:
        collector.process.send_signal(number)
        time.sleep(0.002)
    assert collector.process.returncode == 0
    assert len(http_sink.bodies("metrics")) == 1


def test_under_load_it_ends_in_time_and_keeps_what_it_acknowledged(collect: Start, longest: float) -> None:
    collector = collect()
    acknowledged: list[str] = []
    refused: list[int] = []

    def send(sender: int) -> None:
        with contextlib.suppress(OSError, http.client.HTTPException):
            for number in range(10**6):
                key = f"m@{sender}-{number}"
                body = traces(a_cycle(key, time.time_ns() - 7200 * SECOND)).SerializeToString()
                status = collector.post("traces", body)
                (acknowledged.append(key) if status == 200 else refused.append(status))

    senders = [threading.Thread(target=send, args=(sender,)) for sender in range(8)]
    for sender in senders:
        sender.start()
    eventually(lambda: len(acknowledged), lambda count: count > 100)
    assert seconds_to_end(collector) < longest
    for sender in senders:
        sender.join()
    assert {one["key"] for one in collector.facts()} >= set(acknowledged)
    assert set(refused) <= {503}


@pytest.mark.slow
def test_a_cycle_that_takes_long_to_fold_does_not_hold_up_the_end(collect: Start, longest: float) -> None:
    collector = collect()
    now = time.time_ns() - 7200 * SECOND
    attributes = {**cycle_attributes("huge@1"), c.STAGE_NAME: "train"}
    some = [span("train", {**attributes, c.STAGE_ID: f"{number:x}"}, now, now + number) for number in range(60_000)]
    for begin in range(0, len(some), 10_000):
        assert collector.post("traces", traces(some[begin : begin + 10_000]).SerializeToString()) == 200
    assert seconds_to_end(collector) < longest
    collector.restart()
    (huge,) = collector.facts()
    assert len(huge["stages"]) == len(some)
