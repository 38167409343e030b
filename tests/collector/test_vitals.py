"""What the collector measures of itself is what was done to it."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from pathlib import Path

from tests.collector.otlp import cycle_attributes, span, traces
from tests.collector.process import Collect, eventually
from tests.collector.sinks import HttpSink

from cycletrace import conventions as c

Start = Callable[..., Collect]


def close(key: str) -> bytes:
    now = time.time_ns()
    attributes = {**cycle_attributes(key), c.CYCLE_OUTCOME: "abandoned"}
    body: bytes = traces([span("close", attributes, now - 1, now)]).SerializeToString()
    return body


def test_requests_commits_and_forwarding_are_counted(collect: Start, http_sink: HttpSink) -> None:
    collector = collect("--forward", f"traces=http://127.0.0.1:{http_sink.port}", "--grace", "1h")
    for number in range(3):
        assert collector.post("traces", close(f"churn@{number}")) == 200
    collector.call("traces", close("churn@0"))
    foreign = traces([span("GET", {}, 1, 2)] * 5).SerializeToString()
    assert collector.post("traces", foreign) == 200
    assert collector.post("traces", b"\xffcycletrace.") == 400
    assert collector.post("logs", b"{}", "text/plain") == 415
    assert collector.post("metrics", b"x" * 100, headers={"Content-Encoding": "br"}) == 415

    def requests(result: str, signal: str) -> float:
        return collector.total("cycletrace_collector_requests_total", result=result, signal=signal)

    assert requests("OK", "traces") == 5
    assert requests("INVALID_ARGUMENT", "traces") == 1
    assert (requests("OK", "logs"), requests("OK", "metrics")) == (0, 0)
    assert collector.total("cycletrace_collector_requests_total") == 8
    assert collector.total("cycletrace_collector_forwarded_total", result="OK", signal="traces") == 5
    assert collector.total("cycletrace_collector_records_total") == 4, "the repeated one, too"
    assert 1 <= collector.total("cycletrace_collector_commits_total") <= 4
    assert 0 < collector.total("cycletrace_collector_commit_time_seconds_total") < 60
    assert collector.total("cycletrace_collector_ready") == 1
    for gauge in ("queue", "in_flight_bytes", "due", "outbox"):

        def total(name: str = f"cycletrace_collector_{gauge}") -> float:
            return collector.total(name)

        assert eventually(total, lambda seen: seen == 0) == 0

    before = collector.metrics()
    collector.kill()
    collector.restart()
    assert collector.total("cycletrace_collector_requests_total") == 0, "the process is another one"
    assert set(collector.metrics()) >= {key for key in before if "requests" not in key[0] and "forwarded" not in key[0]}


def test_a_backend_that_is_down_and_a_store_that_is_gone_show(collect: Start, tmp_path: Path) -> None:
    store = tmp_path / "kept" / "store.db"
    collector = collect("--forward", "traces=http://127.0.0.1:9", store=store)
    assert collector.post("traces", close("churn@1")) == 503
    assert collector.total("cycletrace_collector_forwarded_total", result="UNAVAILABLE") == 1
    assert collector.total("cycletrace_collector_requests_total", result="UNAVAILABLE") == 1
    shutil.rmtree(store.parent)
    ready = ("cycletrace_collector_ready", ())
    assert eventually(lambda: collector.metrics()[ready], lambda seen: seen == 0) == 0


def test_a_store_that_cannot_be_read_hides_nothing_else(collect: Start, tmp_path: Path) -> None:
    collector = collect()
    assert collector.post("traces", close("churn@1")) == 200
    (tmp_path / "store.db").write_bytes(b"damaged" * 10_000)
    ready = ("cycletrace_collector_ready", ())
    assert eventually(lambda: collector.metrics()[ready], lambda seen: seen == 0) == 0
    assert collector.total("cycletrace_collector_requests_total") == 1
