"""The board of a collector: what it received, while it goes on receiving."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from functools import partial
from operator import lt
from pathlib import Path

import pytest
from tests.board.process import get
from tests.collector.otlp import SECOND, a_cycle, traces
from tests.collector.process import Collect, eventually

from cycletrace.conventions import cycle_id


@pytest.fixture
def collector(tmp_path: Path) -> Iterator[Collect]:
    started = Collect(tmp_path / "store.db", "--board", "127.0.0.1:0")
    yield started
    if started.process.poll() is None:
        started.kill()


def port_of(collector: Collect) -> int:
    lines = eventually(lambda: [line for line in collector.output if line.startswith("  board")])
    found = re.search(r"http://127\.0\.0\.1:(\d+)/$", lines[0])
    assert found
    return int(found[1])


def post(collector: Collect, key: str) -> int:
    start = time.time_ns() - 3600 * SECOND
    return collector.post("traces", traces(a_cycle(key, start)).SerializeToString())


def test_it_shows_what_the_collector_receives(collector: Collect) -> None:
    port = port_of(collector)
    assert "No cycle is recorded here yet" in get(port, "/").text
    for number in range(3):
        assert post(collector, f"churn@{number}") == 200
        known = eventually(lambda: get(port, "/api/report").json()["counts"]["known"], partial(lt, number))
        assert known == number + 1
    assert get(port, "/?cycle=churn@2").status == 200
    assert collector.get("/readyz")[0] == 200


def test_it_links_cycles_to_their_traces(tmp_path: Path) -> None:
    jaeger = "http://127.0.0.1:16686"
    collector = Collect(tmp_path / "store.db", "--board", "127.0.0.1:0", environment={"CYCLETRACE_JAEGER_URL": jaeger})
    try:
        port = port_of(collector)
        assert post(collector, "churn@1") == 200
        page = eventually(lambda: get(port, "/?cycle=churn@1").text, lambda text: "churn@1</bdi></h1>" in text)
        assert f'<a href="{jaeger}/trace/{cycle_id("", "churn@1")}">' in page
    finally:
        collector.kill()


def test_the_collector_ends_as_without_it(collector: Collect) -> None:
    get(port_of(collector), "/")
    assert collector.stop() == 0


def test_it_is_refused_where_others_could_reach_it(collector: Collect) -> None:
    assert get(port_of(collector), "/", {"Host": "evil.example"}).status == 403
    assert get(port_of(collector), "/", method="POST").status == 405
