"""The OpenTelemetry Collector in front and behind, and every program on the way killed in the middle of a load."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from tests.backends.collector import Collector
from tests.backends.jaeger import Jaeger
from tests.backends.load import DAY
from tests.backends.otelcol import Otelcol
from tests.backends.programs import ROOT, eventually, running
from tests.backends.prometheus import Prometheus
from tests.backends.sending import Sender
from tests.journals import environment

from cycletrace import conventions as c
from cycletrace._internal.delivery import progress

pytestmark = pytest.mark.backends

BASE = 1_767_225_600 * 10**9
"""2026-01-01."""
AT = str(BASE + 10 * DAY)
PER_VICTIM = 500
CONFIG = ROOT / "compose" / "collector.toml"


class Chain(NamedTuple):
    """SDK, otelcol, cycletrace, and behind it Jaeger and Prometheus."""

    otelcol: Otelcol
    collector: Collector
    jaeger: Jaeger
    prometheus: Prometheus
    sender: Sender

    def facts(self) -> list[dict[str, Any]]:
        return self.collector.facts("--at", AT)

    def counters(self) -> dict[str, float]:
        """Raw counters of cycles and records, histograms' sums and buckets included.

        Those at zero are left out: a set of labels begins there as soon as a cycle closes, also with what it was then.
        """
        return {
            name: value
            for name, value in self.collector.metrics().items()
            if value and "_collector_" not in name
            if any(part in name for part in ("_total", "_sum", "_count", "_bucket"))
        }


@contextmanager
def chain(folder: Path) -> Iterator[Chain]:
    folder.mkdir()
    with ExitStack() as stack:
        jaeger = Jaeger(folder)
        # Long enough that a cycle which a killed program cut in two is whole before it is exported.
        forward = f"traces={jaeger.grpc.replace('http', 'grpc', 1)}"
        collector = Collector(folder, "--config", str(CONFIG), "--forward", forward, "--grace", "20s")
        otelcol = Otelcol(folder, collector.grpc)
        prometheus = Prometheus(folder, collector.scraped, "1s")
        for each in (jaeger, collector, otelcol, prometheus):
            stack.enter_context(running(each.program))
        yield Chain(otelcol, collector, jaeger, prometheus, Sender(folder / "state", otelcol.http))


def load(chain: Chain, victims: tuple[str, ...]) -> None:
    """Send 2,000 cycles, and kill and start again each victim in the middle of its share of them."""
    for number in range(4):
        # Recorded first, delivered then: so that the kill is in the middle of the delivery.
        offline = Sender(chain.sender.directory, "")
        offline.record(BASE, number * PER_VICTIM, PER_VICTIM)
        before = offsets(chain)
        delivery = subprocess.Popen(
            [sys.executable, "-m", "cycletrace", "flush", "--timeout", "150"],
            env=environment(chain.sender.directory, OTEL_EXPORTER_OTLP_ENDPOINT=chain.otelcol.http),
        )
        if victims:
            wait_until_it_goes_on(chain, before)
            program = getattr(chain, victims[number]).program
            program.kill()
            assert delivery.poll() is None, f"{victims[number]} was killed too late"
            time.sleep(1.0)  # the outage
            program.start()
        if delivery.wait(200):  # nobody listened: the next one delivers what is left
            chain.sender.flush()
    closed = sum(facts["outcome"] != c.OPEN for facts in wait_for_facts(chain))
    name = "cycletrace_cycle_completed_total"
    eventually(lambda: sum(chain.prometheus.samples(name).values()) == closed, "all cycles are exported", 120)


def offsets(chain: Chain) -> dict[str, dict[str, int]]:
    """How far the journals are delivered."""
    return progress.load(chain.sender.directory).offsets


def wait_until_it_goes_on(chain: Chain, before: dict[str, dict[str, int]]) -> None:
    eventually(lambda: offsets(chain) != before, "the first request is answered")


def wait_for_facts(chain: Chain) -> list[dict[str, Any]]:
    """The facts once nothing is on the way any more."""

    def look() -> list[dict[str, Any]] | None:
        before = chain.facts()
        time.sleep(2)
        return before if len(before) == 4 * PER_VICTIM and before == chain.facts() else None

    return eventually(look, "all cycles are there", 120)


@pytest.mark.timeout(600)
def test_facts_and_counters_are_the_same_whoever_is_killed(tmp_path: Path) -> None:
    with chain(tmp_path / "calm") as calm:
        load(calm, ())
        facts, counters = calm.facts(), calm.counters()
    assert len(facts) == 4 * PER_VICTIM
    assert "cycletrace_record_late_total" not in counters
    assert len(counters) > 500
    with chain(tmp_path / "killed") as killed:
        load(killed, ("otelcol", "collector", "jaeger", "prometheus"))
        assert killed.facts() == facts
        assert killed.counters() == counters
        latest = max((f for f in facts if f["outcome"] == c.IN_USE), key=lambda f: int(f["version"]))
        names = [span.name for span in killed.jaeger.whole_trace(latest["cycle_id"], len(latest["stages"]) + 1)]
        assert c.cycle_span(latest["key"]) in names


@pytest.mark.parametrize("protocol", ["grpc", "http/protobuf"])
def test_traces_go_through_both_collectors_in_either_order(protocol: str, jaeger: Jaeger, tmp_path: Path) -> None:
    """SDK, otelcol, cycletrace, otelcol, Jaeger: gzip, and gRPC between the collectors."""
    behind_folder, front_folder = tmp_path / "behind", tmp_path / "front"
    behind_folder.mkdir()
    front_folder.mkdir()
    behind = Otelcol(behind_folder, jaeger.grpc)
    collector = Collector(tmp_path, "--forward", f"traces={behind.grpc.replace('http', 'grpc', 1)}", "--grace", "1s")
    front = Otelcol(front_folder, collector.grpc)
    with running(behind.program), running(collector.program), running(front.program):
        endpoint = front.grpc if protocol == "grpc" else front.http
        sender = Sender(
            tmp_path / "state",
            endpoint,
            OTEL_EXPORTER_OTLP_PROTOCOL=protocol,
            OTEL_EXPORTER_OTLP_COMPRESSION="gzip",
            CYCLETRACE_NAMESPACE=protocol,
        )
        sender.record(BASE, 0, 5)
        sender.flush()
        facts = eventually(lambda: found if len(found := collector.facts("--at", AT)) == 5 else None, "five cycles")
        for cycle in facts:
            sent = len(cycle["stages"]) + len(cycle["waits"]) + (cycle["outcome"] in (c.FAILED, c.ROLLED_BACK))
            closed = cycle["outcome"] != c.OPEN
            spans = jaeger.whole_trace(cycle["cycle_id"], sent + closed)
            assert len(spans) == sent + closed
            assert (c.cycle_span(cycle["key"]) in {span.name for span in spans}) == closed
