"""What the processor adds to a closed cycle's traces, and that a crash neither loses nor doubles it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from tests.collector.otlp import cycle_attributes, log, logs, span, traces
from tests.collector.process import Collect, eventually
from tests.collector.sinks import HttpSink

from cycletrace import conventions as c
from cycletrace._internal.collector.derived import derive, sent_of
from cycletrace._internal.collector.reading import read
from cycletrace._internal.flow import Alias, Close, Facts, Mark, Record, RecordOrigin, Stage, Wait, facts_of
from cycletrace._internal.otlp.signals import TRACES, Encoding, Request

Start = Callable[..., Collect]
SECOND = 1_000_000_000
CYCLE = c.cycle_id("team", "churn@7")
OTHER = c.cycle_id("team", "other key")
ORIGIN = RecordOrigin(CYCLE, "churn@7", "team", "churn", "risk", "7")
AT = 10_000 * SECOND


def derived(records: list[Record], at: int = AT) -> tuple[Facts, dict[str, Any], dict[str, Any]]:
    """Facts, spans by name, and the attributes of their resources by name of the span."""
    facts = next(one for one in facts_of(records, at) if one["cycle_id"] == CYCLE)
    body = derive(facts, sent_of(CYCLE, records), at, within_target=True)
    assert body == derive(facts, sent_of(CYCLE, records), at, within_target=True)
    sent = [
        (one, attributes(resource.resource))
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans
        for one in resource.scope_spans[0].spans
    ]
    return facts, {one.name: one for one, _ in sent}, {one.name: resource for one, resource in sent}


def attributes(holder: Any) -> dict[str, Any]:
    return {one.key: getattr(one.value, one.value.WhichOneof("value")) for one in holder.attributes}


def records() -> list[Record]:
    return [
        Stage(ORIGIN, "a" * 16, "train", "train", 100 * SECOND, 200 * SECOND, "ok"),
        Wait(ORIGIN, "w1", "compute", 110 * SECOND, None, "a" * 16),
        Wait(ORIGIN, "w2", "human", 210 * SECOND, 250 * SECOND),
        Stage(ORIGIN, "b" * 16, "select", "select", 260 * SECOND, 270 * SECOND, "ok", actor="human"),
        Stage(ORIGIN, "c" * 16, "deploy", "deploy", 280 * SECOND, 290 * SECOND, "ok", launch="terminal"),
        Stage(ORIGIN, "d" * 16, "test", "test", 281 * SECOND),
        Wait(ORIGIN, "w3", "data", 282 * SECOND, None, "d" * 16),
        Mark(ORIGIN, "in_use", 300 * SECOND, mechanism="flag"),
    ]


def test_the_root_spans_the_cycle_and_carries_its_figures() -> None:
    facts, spans, resources = derived(records())
    root = spans["cycle churn@7"]
    assert (root.trace_id.hex(), root.span_id.hex()) == (CYCLE, c.root_span_id(CYCLE))
    assert root.parent_span_id == b""
    assert root.start_time_unix_nano == 100 * SECOND
    assert root.end_time_unix_nano == 300 * SECOND + c.SHORT_NS, "it encloses the span of its last mark"
    assert (root.kind, root.status.code) == (1, 0)
    found = attributes(root)
    assert found[c.DERIVED] is True
    assert found[c.CYCLE_KEY] == "churn@7"
    assert found[c.CYCLE_OUTCOME] == "in_use"
    assert (found[c.CYCLE_DURATION], found[c.in_ns(c.CYCLE_DURATION)]) == (200.0, 200 * SECOND)
    assert found[c.CYCLE_WITHIN_TARGET] is True
    assert (found[c.CYCLE_MANUAL_STEPS], found[c.CYCLE_HANDS_FREE]) == (2, False)
    for part in c.PARTS:
        length = facts["parts_ns"][part]
        assert found.get(c.part_attribute(part)) == (None if length is None else length / SECOND)
        assert found.get(c.in_ns(c.part_attribute(part))) == length
    assert facts["activity_ns"] is not None
    assert sum(found[c.activity_attribute(name)] for name in c.ACTIVITIES) == pytest.approx(200.0)
    assert sum(found[c.in_ns(c.activity_attribute(name))] for name in c.ACTIVITIES) == 200 * SECOND
    assert found[c.mark_attribute("in_use")] == 300 * SECOND
    assert resources["cycle churn@7"] == {"service.name": "churn", "service.namespace": "team"}


def test_complete_is_short_dated_now_and_in_a_trace_of_its_own() -> None:
    _, spans, resources = derived(records())
    complete, root = spans["cycle.complete"], spans["cycle churn@7"]
    assert resources["cycle.complete"] == {"service.name": "cycletrace", "service.namespace": "team"}
    assert complete.trace_id not in {root.trace_id, b""}
    assert complete.start_time_unix_nano == AT
    assert 0 < complete.end_time_unix_nano - AT <= SECOND
    assert attributes(complete) == attributes(root)
    assert [(link.trace_id, link.span_id) for link in complete.links] == [(root.trace_id, root.span_id)]


def test_waits_that_nobody_sent_lie_just_inside_their_bounds() -> None:
    _, spans, _ = derived(records())
    assert set(spans) == {"cycle churn@7", "cycle.complete", "wait compute", "wait data"}
    wait = spans["wait compute"]
    assert (wait.start_time_unix_nano, wait.end_time_unix_nano) == (110 * SECOND + 1000, 200 * SECOND - 1000)
    found = attributes(wait)
    assert (found[c.WAIT_START], found[c.WAIT_END]) == (110 * SECOND, 200 * SECOND)
    assert found[c.STAGE_ID] == "a" * 16
    assert wait.trace_id.hex() == CYCLE
    assert wait.parent_span_id.hex() == "a" * 16, "its stage was sent"
    assert spans["wait data"].parent_span_id.hex() == c.root_span_id(CYCLE), "its stage was lost, and is no span"
    assert len({one.span_id for one in spans.values()}) == 4


def test_a_wait_shorter_than_two_microseconds_stays_within_itself() -> None:
    short: list[Record] = [
        Wait(ORIGIN, "w", "data", 100, None, "s"),
        Stage(ORIGIN, "s", "train", "train", 50, 101, "ok"),
        Close(ORIGIN, "failed", 500),
    ]
    _, spans, _ = derived(short)
    assert (spans["wait data"].start_time_unix_nano, spans["wait data"].end_time_unix_nano) == (100, 101)


def test_a_cycle_without_an_interval_has_a_root_at_its_latest_mark() -> None:
    _, spans, _ = derived([Mark(ORIGIN, "selected", 70 * SECOND), Close(ORIGIN, "abandoned", 80 * SECOND)])
    root = spans["cycle churn@7"]
    assert (root.start_time_unix_nano, root.end_time_unix_nano) == (70 * SECOND, 70 * SECOND + c.SHORT_NS)
    assert c.CYCLE_DURATION not in attributes(root)


def test_whether_a_failed_cycle_is_hands_free_is_unknown() -> None:
    selected, failed = Mark(ORIGIN, "selected", 70 * SECOND), Close(ORIGIN, "failed", 80 * SECOND)
    _, spans, _ = derived([Stage(ORIGIN, "a", "train", "train", 0, 60 * SECOND, "ok"), selected, failed])
    assert c.CYCLE_HANDS_FREE not in attributes(spans["cycle churn@7"])


def test_the_root_links_to_traces_of_other_keys() -> None:
    other = RecordOrigin(OTHER, "other key", "team")
    _, spans, _ = derived(
        [
            *records(),
            Alias(ORIGIN, "other key", OTHER, 50 * SECOND),
            Stage(other, "e" * 16, "test", "test", 284 * SECOND, 285 * SECOND, "ok"),
            Wait(other, "w9", "data", 284 * SECOND, None, "e" * 16),
        ]
    )
    root = spans["cycle churn@7"]
    assert [link.trace_id.hex() for link in root.links] == [OTHER]


def test_what_is_derived_is_never_an_input() -> None:
    facts = next(iter(facts_of(records(), AT)))
    body = derive(facts, sent_of(CYCLE, records()), AT, within_target=False)
    extracted = read(Request(TRACES, Encoding.PROTOBUF, body))
    assert (extracted.records, extracted.invalid) == ([], [])


def closed_cycle(key: str, now: int) -> tuple[bytes, bytes]:
    """Traces and logs of a cycle with an opened wait."""
    common = cycle_attributes(key)
    opened = {**common, c.WAIT_ID: f"w-{key}", c.WAIT_REASON: "human"}
    close = {**common, c.CYCLE_OUTCOME: "abandoned"}
    return (
        traces([span("close", close, now - SECOND, now - SECOND)]).SerializeToString(),
        logs([log(c.WAIT_OPENED, opened, time=now - 3600 * SECOND)]).SerializeToString(),
    )


def test_killed_before_the_backend_had_them_it_sends_the_same_bytes_again(collect: Start) -> None:
    sink = HttpSink()
    sink.status = 503
    collector = collect("--forward", f"traces={sink.url}", "--grace", "0")
    count = 5
    for number in range(count):
        spans, events = closed_cycle(f"churn@{number}", time.time_ns())
        assert collector.post("logs", events) == 200
        assert collector.post("traces", spans) == 503, "stored, but not passed on"
    asked = eventually(lambda: [body for body in sink.bodies("traces") if b"cycle.complete" in body])
    assert asked, "refused, to be sent again"
    collector.kill()
    sink.received.clear()
    sink.status = 200
    collector.start()

    def complete() -> bytes:
        return b"".join(body for body in sink.bodies("traces") if b"cycle.complete" in body)

    eventually(complete, lambda seen: seen.count(b"cycle.complete") >= count)
    spans_seen = [
        one
        for resource in ExportTraceServiceRequest.FromString(complete()).resource_spans
        for one in resource.scope_spans[0].spans
    ]
    names = sorted(one.name for one in spans_seen)
    assert names == sorted([*(f"cycle churn@{n}" for n in range(count)), *["cycle.complete", "wait human"] * count])
    assert asked[0] in complete(), "byte for byte what was refused before"
    collector.stop()
    collector.start()
    time.sleep(0.5)
    assert complete().count(b"cycle.complete") == count, "what arrived is not sent again"
    sink.close()


def test_each_backend_gets_its_own_and_what_has_no_backend_any_more_is_dropped(collect: Start) -> None:
    one, other = HttpSink(), HttpSink()
    other.status = 503
    collector = collect("--forward", f"traces={one.url}", "--forward", f"traces={other.url}", "--grace", "0")
    spans, events = closed_cycle("churn@1", time.time_ns())
    collector.post("logs", events)
    collector.post("traces", spans)
    eventually(lambda: [body for body in one.bodies("traces") if b"cycle.complete" in body])
    eventually(lambda: [body for body in other.bodies("traces") if b"cycle.complete" in body])
    collector.stop()
    collector._options = ("--forward", f"traces={one.url}", "--grace", "0")
    collector.start()
    assert collector.stop() == 0
    assert sum("no longer forwarded to their backend" in line for line in collector.output) == 1
    assert sum(b"cycle.complete" in body for body in one.bodies("traces")) == 1
    one.close()
    other.close()


def test_a_backend_that_refuses_for_good_is_not_asked_for_ever(collect: Start) -> None:
    sink = HttpSink()
    sink.status = 400
    collector = collect("--forward", f"traces={sink.url}", "--grace", "0")
    for number in range(3):
        spans, events = closed_cycle(f"churn@{number}", time.time_ns())
        collector.post("logs", events)
        assert collector.post("traces", spans) == 400
    refusals = "derived spans of a cycle were rejected"
    eventually(lambda: sum(refusals in line for line in collector.output), lambda seen: seen == 3)
    assert sum(refusals in line for line in collector.output) == 3
    asked = len(sink.received)
    time.sleep(1.0)
    assert len(sink.received) == asked
    sink.close()
