"""Tempo's rules, held by what leaves the collector: dates, sizes, attributes. Tempo itself is not run."""

from __future__ import annotations

import json
import re
import time
from collections import defaultdict
from contextlib import closing
from typing import Any, NamedTuple

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from tests.backends.collector import Collector
from tests.backends.programs import ROOT, eventually, running
from tests.backends.sending import Sender, base_now
from tests.collector.sinks import HttpSink

from cycletrace import conventions as c

STAGES = 2500
MANY = f"""
import cycletrace as ct
with ct.cycle("large", version="1"):
    for number in range({STAGES}):
        with ct.stage("train") as run, run.waiting("compute"):
            pass
    ct.mark("in_use")
"""
TRACE_LIMIT = 5_000_000
ATTRIBUTE_LIMIT = 2048


class Sent(NamedTuple):
    """Spans as a backend keeps them, by trace, with what each takes; before when none was sent, and all were there."""

    traces: dict[str, list[tuple[Any, int]]]
    after: int
    at: int

    def complete(self) -> list[tuple[str, Any]]:
        return [
            (trace_id, span)
            for trace_id, spans in self.traces.items()
            for span, _ in spans
            if span.name == c.COMPLETE_SPAN
        ]


@pytest.fixture(scope="module")
def sent(tmp_path_factory: pytest.TempPathFactory) -> Sent:
    folder = tmp_path_factory.mktemp("tempo")
    after = time.time_ns()
    with closing(HttpSink()) as sink:
        collector = Collector(folder, "--forward", f"traces=http://127.0.0.1:{sink.port}", "--grace", "1s")
        with running(collector.program):
            sender = Sender(folder / "state", collector.http)
            sender.record(base_now(), 0, 22)
            sender.run("-c", MANY)
            sender.flush()
            closed = sum(facts["outcome"] != c.OPEN for facts in collector.facts())
            return eventually(
                lambda: found if len((found := read(sink, after)).complete()) == closed else None, "all are exported"
            )


def read(sink: HttpSink, after: int) -> Sent:
    # By id: what an exit cut short comes twice.
    traces: dict[str, dict[str, tuple[Any, int]]] = defaultdict(dict)
    for body in sink.bodies("traces"):
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            for scope in resource.scope_spans:
                for span in scope.spans:
                    traces[span.trace_id.hex()][span.span_id.hex()] = (span, span.ByteSize())
    return Sent({trace_id: list(spans.values()) for trace_id, spans in traces.items()}, after, time.time_ns())


def attributes(span: Any) -> dict[str, Any]:
    return {item.key: getattr(item.value, item.value.WhichOneof("value")) for item in span.attributes}


def test_a_completion_span_is_as_old_as_its_export_however_long_the_cycle_lasted(sent: Sent) -> None:
    for _, span in sent.complete():
        assert 0 < span.end_time_unix_nano - span.start_time_unix_nano <= 10**6
        assert sent.after <= span.end_time_unix_nano <= sent.at
    roots = [span for spans in sent.traces.values() for span, _ in spans if span.name.startswith("cycle ")]
    assert min(root.start_time_unix_nano for root in roots) < sent.at - 14 * 86_400 * 10**9


def test_it_is_alone_in_a_trace_of_its_own_and_linked_to_the_root(sent: Sent) -> None:
    assert len(sent.complete()) > 15
    for trace_id, span in sent.complete():
        assert len(sent.traces[trace_id]) == 1
        (link,) = span.links
        cycle = attributes(span)[c.CYCLE_ID]
        assert (link.trace_id.hex(), link.span_id.hex()) == (cycle, c.root_span_id(cycle))


def test_a_trace_of_five_thousand_spans_stays_below_the_limit(sent: Sent) -> None:
    spans = sent.traces[c.cycle_id("", "large@1")]
    assert len(spans) == 2 * STAGES + 2  # the mark, the root
    assert sum(size for _, size in spans) < TRACE_LIMIT


def test_attributes_are_few_and_short(sent: Sent) -> None:
    for spans in sent.traces.values():
        for span, _ in spans:
            found = attributes(span)
            assert len(found) == len(span.attributes) <= 64
            assert all(len(str(value).encode()) <= ATTRIBUTE_LIMIT for value in found.values())


def names_in(text: str) -> set[str]:
    return set(re.findall(r"span\.([a-z_.]+[a-z])", text))


def test_every_attribute_in_the_queries_is_one_that_is_sent(sent: Sent) -> None:
    page = (ROOT / "docs" / "tempo.md").read_text(encoding="utf-8")
    figures, _, stages = page.partition("## Stages and waits")
    sent_names = set().union(*(attributes(span) for _, span in sent.complete()))
    everywhere = set().union(*(attributes(span) for spans in sent.traces.values() for span, _ in spans))
    dashboard = json.loads((ROOT / "dashboards" / "cycle.json").read_text(encoding="utf-8"))
    queries = [
        target["query"]
        for panel in dashboard["panels"]
        for target in panel.get("targets", ())
        if target["datasource"]["type"] == "tempo"
    ]
    assert len(names_in(figures)) > 12
    assert names_in(figures) <= sent_names
    assert names_in("".join(queries)) <= sent_names
    assert len(names_in(stages)) > 4
    assert names_in(stages) <= everywhere


def test_quantiles_are_of_integers(sent: Sent) -> None:
    """TraceQL's ``quantile_over_time`` ignores attributes that are neither integers nor durations."""
    page = (ROOT / "docs" / "tempo.md").read_text(encoding="utf-8")
    names = set(re.findall(r"quantile_over_time\(span\.([\w.]+),", page))
    assert len(names) > 1
    values = [attributes(span)[name] for _, span in sent.complete() for name in names & attributes(span).keys()]
    assert values
    assert {type(value) for value in values} == {int}


def test_every_figure_of_a_cycle_is_on_its_completion(sent: Sent) -> None:
    whole = [attributes(span) for _, span in sent.complete() if attributes(span)[c.CYCLE_OUTCOME] == c.IN_USE]
    by_script = [found for found in whole if found[c.MODEL_NAME] != "large"]
    assert by_script
    for found in by_script:
        parts = [found[c.part_attribute(part)] for part in (c.TRAINING, c.SELECTION, c.DEPLOYMENT)]
        activities = [found[c.activity_attribute(activity)] for activity in c.ACTIVITIES]
        assert sum(parts) == pytest.approx(found[c.CYCLE_DURATION])
        assert sum(activities) == pytest.approx(found[c.CYCLE_DURATION])
        assert {c.CYCLE_WITHIN_TARGET, c.CYCLE_MANUAL_STEPS, c.CYCLE_HANDS_FREE, c.MECHANISM} <= found.keys()
