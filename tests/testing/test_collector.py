"""The fake collector with real delivery."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import cycletrace as ct
from cycletrace._internal.testing.collector import GRPC, HTTP, LOGS, TRACES
from cycletrace.testing import FakeCollector, recording


@pytest.fixture(params=[HTTP, GRPC])
def collector(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[FakeCollector]:
    """One that gets what this test records, when it is flushed."""
    with FakeCollector(request.param) as collector, recording(tmp_path / "state"):
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_PROTOCOL", collector.protocol)
        ct.configure(endpoint=collector.endpoint)
        yield collector


def train() -> None:
    with ct.cycle("churn", "7"), ct.stage("train"):
        pass


def test_it_keeps_and_counts_what_it_accepts(collector: FakeCollector) -> None:
    train()
    assert ct.flush(20)
    (span,) = collector.spans
    assert (span.name, span.attributes["cycletrace.cycle.key"]) == ("train", "churn@7")
    assert span.resource["service.name"] == "churn"
    assert collector.names(LOGS) == ["cycletrace.stage.started"]
    assert (len(collector.requests(TRACES)), len(collector.requests(LOGS))) == (1, 1)


def test_it_responds_with_the_set_status_until_changed(collector: FakeCollector) -> None:
    collector.reply_with(status=503)
    train()
    assert not ct.flush(1)
    assert collector.requests()
    assert collector.spans == []
    collector.reply_with()
    assert ct.flush(20)
    assert collector.names() == ["train"]


def test_it_refuses_and_listens_again(collector: FakeCollector) -> None:
    collector.refuse()
    train()
    assert not ct.flush(1)
    assert collector.asked == []
    collector.listen()
    assert ct.flush(20)
    assert collector.names() == ["train"]


def test_it_hangs_until_it_is_released(collector: FakeCollector) -> None:
    collector.reply_with(hangs=True)
    train()
    began = time.monotonic()
    assert not ct.flush(0.5)
    assert time.monotonic() - began >= 0.5
    assert collector.requests()
    assert collector.spans == []
