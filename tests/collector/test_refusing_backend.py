"""A backend that rejects everything for a while: derived spans wait for it; its state is logged, not each attempt."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import closing

import pytest
from tests.collector.process import Collect, eventually
from tests.collector.sinks import HttpSink
from tests.collector.test_derived import closed_cycle

Start = Callable[..., Collect]
PAGE = b"<html>\n<h1>Sign in</h1>\n" + b"<p>or do not</p>\n" * 1000


@pytest.fixture
def sink() -> Iterator[HttpSink]:
    with closing(HttpSink()) as sink:
        sink.body = PAGE
        yield sink


@pytest.mark.parametrize("status", [401, 403, 404, 500, 503])
def test_derived_spans_come_once_it_is_over(collect: Start, sink: HttpSink, status: int) -> None:
    sink.status = status
    collector = collect("--forward", f"traces={sink.url}", "--grace", "0")
    spans, events = closed_cycle("churn@7", time.time_ns())
    collector.post("logs", events)
    assert collector.post("traces", spans) == status
    eventually(lambda: len(sink.received), lambda asked: asked >= 3)  # that one, and the derived ones twice
    assert len(lines := [line for line in collector.output if "traces cannot be forwarded" in line]) == 1
    assert len(lines[0]) < 500
    sink.status, sink.body = 200, b""
    eventually(lambda: any("traces are forwarded" in line for line in collector.output), bool)
    assert sum(b"cycle churn@7" in body for body in sink.bodies("traces")[-1:]) == 1


@pytest.mark.parametrize("status", [400, 404, 503])
def test_metrics_that_are_refused_are_logged_once_and_again_when_they_are_taken(
    collect: Start, sink: HttpSink, status: int
) -> None:
    sink.status = status
    collector = collect("--metrics-to", sink.url, "--interval", "0.1")
    eventually(lambda: len(sink.received), lambda asked: asked >= 5)
    sink.status, sink.body = 200, b""
    eventually(lambda: any("metrics are forwarded" in line for line in collector.output), bool)
    lines = [line for line in collector.output if "WARNING" in line]
    assert [("cannot be forwarded" in line, "are forwarded to" in line) for line in lines] == [
        (True, False),
        (False, True),
    ]
