from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.collector.process import Collect
from tests.collector.sinks import GrpcSink, HttpSink


@pytest.fixture
def http_sink() -> Iterator[HttpSink]:
    sink = HttpSink()
    yield sink
    sink.close()


@pytest.fixture
def grpc_sink() -> Iterator[GrpcSink]:
    sink = GrpcSink()
    yield sink
    sink.close()


@pytest.fixture
def collect(tmp_path: Path) -> Iterator[Callable[..., Collect]]:
    """Starts collectors, and ends them."""
    started: list[Collect] = []

    def start(*options: str, store: Path | str = tmp_path / "store.db") -> Collect:
        started.append(Collect(store, *options))
        return started[-1]

    yield start
    for one in started:
        if one.process.poll() is None:
            one.kill()
