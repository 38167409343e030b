"""Derived spans of a closed cycle, as serialized export requests.

The cycle's own trace gets its root span, and a span for each wait that its sender never ended. A separate trace, linked
to the root, gets the short span ``cycle.complete``, dated now, because some backends drop spans that ended long ago, or
split long traces. It has a service name of its own, so that a search for a model finds the model's cycles.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from cycletrace import conventions as c
from cycletrace._internal.collector.instruments import SCOPE
from cycletrace._internal.flow import Facts, Record, Stage, Wait, WaitFacts, hands_free, is_manual
from cycletrace._internal.flow.rules import SECOND
from cycletrace._internal.otlp.values import fill
from cycletrace._version import __version__

INSIDE = 1000
"""Nanoseconds by which a derived wait lies inside its bounds: Jaeger's critical path skips spans that abut exactly."""
COMPLETE_NS = 1_000_000
"""Nanoseconds that ``cycle.complete`` lasts."""
_SERVICE = "cycletrace"
_SAMPLED = 1

Attributes = Mapping[str, str | bool | int | float | None]


class Sent(NamedTuple):
    """What senders have already sent of a cycle as spans."""

    stages: frozenset[str]
    """In the trace of the cycle's own id."""
    waits: frozenset[str]
    """In any trace."""
    other_traces: tuple[str, ...]
    """Ids of traces with further records of the cycle, which arrived under its other keys."""


def sent_of(cycle_id: str, records: Iterable[Record]) -> Sent:
    """Return what senders have sent, from the records of a cycle."""
    stages: set[str] = set()
    waits: set[str] = set()
    traces: set[str] = set()
    for record in records:
        traces.add(record.origin.cycle_id)
        if isinstance(record, Wait) and record.end is not None:
            waits.add(record.id)
        elif isinstance(record, Stage) and record.end is not None and record.origin.cycle_id == cycle_id:
            stages.add(record.id)
    return Sent(frozenset(stages), frozenset(waits), tuple(sorted(traces - {cycle_id})))


def derive(facts: Facts, sent: Sent, at: int, within_target: bool) -> bytes:
    """Return the request with the derived spans of a cycle, exported at an instant: always the same bytes."""
    request = ExportTraceServiceRequest()
    spans = _spans_of(request, facts["model"] or _SERVICE, facts["namespace"])
    cycle_id = facts["cycle_id"]
    root_id = c.root_span_id(cycle_id)
    attributes = summary(facts, within_target)
    if not facts["implicit"]:  # the root of an implicit cycle comes from the program that created it
        start, end = bounds(facts, at)
        root = _span(spans.add(), cycle_id, root_id, c.cycle_span(facts["key"] or cycle_id), start, end + c.SHORT_NS)
        fill(root.attributes, attributes)
        for other in sent.other_traces:
            _link(root, other, c.root_span_id(other))
    for wait in facts["waits"]:
        if wait["id"] not in sent.waits and wait["end"] is not None and wait["end"] >= wait["start"]:
            _wait(spans.add(), facts, wait, root_id, sent)
    trace_id = c.complete_trace_id(cycle_id)
    apart = _spans_of(request, _SERVICE, facts["namespace"])
    complete = _span(apart.add(), trace_id, c.root_span_id(trace_id), c.COMPLETE_SPAN, at, at + COMPLETE_NS)
    fill(complete.attributes, attributes)
    _link(complete, cycle_id, root_id)
    serialized: bytes = request.SerializeToString()
    return serialized


def _spans_of(request: ExportTraceServiceRequest, service: str, namespace: str) -> Any:
    """Add spans of a service to the request, and return their container."""
    resource = request.resource_spans.add()
    fill(resource.resource.attributes, {c.SERVICE_NAME: service, c.SERVICE_NAMESPACE: namespace or None})
    scope = resource.scope_spans.add()
    scope.scope.name = SCOPE
    scope.scope.version = __version__
    return scope.spans


def bounds(facts: Facts, at: int) -> tuple[int, int]:
    """Return start and end of a cycle, UTC nanoseconds: its interval; if it has none, its latest known mark."""
    started, length = facts["marks"]["started"], facts["cycle_time_ns"]
    if started is not None and length is not None:
        return started, started + length
    known = [instant for name in c.MARKS if (instant := facts["marks"][name]) is not None]
    latest = max(known, default=at)
    return latest, latest


def summary(facts: Facts, within_target: bool) -> dict[str, str | bool | int | float | None]:
    """Return every figure of a cycle as attributes.

    Lengths are seconds, and nanoseconds as integers, which Tempo's quantiles need. Marks are UTC nanoseconds.
    """
    mechanism = next((stage["mechanism"] for stage in facts["stages"] if stage["mechanism"]), None)
    return {
        **_identity(facts),
        c.CYCLE_OUTCOME: facts["outcome"],
        **_lengths([(c.CYCLE_DURATION, facts["cycle_time_ns"])]),
        c.CYCLE_WITHIN_TARGET: within_target,
        c.CYCLE_MANUAL_STEPS: sum(map(is_manual, facts["stages"])),
        c.CYCLE_HANDS_FREE: hands_free(facts),
        c.MECHANISM: mechanism,
        **_lengths((c.part_attribute(part), facts["parts_ns"][part]) for part in c.PARTS),
        **_lengths((c.activity_attribute(name), length) for name, length in (facts["activity_ns"] or {}).items()),
        **{c.mark_attribute(name): facts["marks"][name] for name in c.MARKS},
    }


def _identity(facts: Facts) -> dict[str, str | bool | None]:
    return {
        c.DERIVED: True,
        c.CYCLE_ID: facts["cycle_id"],
        c.CYCLE_KEY: facts["key"],
        c.CYCLE_TRIGGER: facts["trigger"],
        c.CYCLE_IMPLICIT: facts["implicit"] or None,
        c.MODEL_NAME: facts["model"],
        c.MODEL_DOMAIN: facts["domain"],
        c.MODEL_VERSION: facts["version"],
    }


def _wait(span: Any, facts: Facts, wait: WaitFacts, root_id: str, sent: Sent) -> None:
    start, end = wait["start"], wait["end"]
    assert end is not None  # derive() passes only ended ones
    inside = min(INSIDE, (end - start) // 2)
    span_id = c.derived_wait_span_id(facts["cycle_id"], wait["id"])
    _span(span, facts["cycle_id"], span_id, c.wait_span(wait["reason"]), start + inside, end - inside)
    stage = wait["stage"]
    parent = stage if stage is not None and stage in sent.stages and _is_span_id(stage) else root_id
    span.parent_span_id = bytes.fromhex(parent)
    fill(
        span.attributes,
        {
            **_identity(facts),
            c.WAIT_ID: wait["id"],
            c.WAIT_REASON: wait["reason"],
            c.STAGE_ID: stage,
            c.WAIT_START: start,
            c.WAIT_END: end,
        },
    )


def _span(span: Any, trace_id: str, span_id: str, name: str, start: int, end: int) -> Any:
    span.trace_id = bytes.fromhex(trace_id)
    span.span_id = bytes.fromhex(span_id)
    span.name = name
    span.kind = Span.SpanKind.SPAN_KIND_INTERNAL
    span.start_time_unix_nano = start
    span.end_time_unix_nano = end
    span.flags = _SAMPLED
    return span


def _link(span: Any, trace_id: str, span_id: str) -> None:
    link = span.links.add(trace_id=bytes.fromhex(trace_id), span_id=bytes.fromhex(span_id))
    link.flags = _SAMPLED


def _is_span_id(text: str) -> bool:
    return len(text) == 16 and all(digit in "0123456789abcdef" for digit in text) and text != "0" * 16


def _lengths(lengths: Iterable[tuple[str, int | None]]) -> dict[str, str | bool | int | float | None]:
    """Return the attributes of lengths in nanoseconds; none of those that are not known."""
    made: dict[str, str | bool | int | float | None] = {}
    for name, length in lengths:
        if length is not None:
            made[name] = length / SECOND
            made[c.in_ns(name)] = length
    return made
