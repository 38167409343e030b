"""Derived spans of a closed cycle, as serialized export requests.

The cycle's own trace gets its root span, and a span for each wait that its sender never ended. A separate trace, linked
to the root, gets the short span ``cycle.complete``, dated now, because some backends drop spans that ended long ago, or
split long traces.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from cycletrace import conventions as words
from cycletrace._internal.collector.instruments import SCOPE
from cycletrace._internal.flow import Facts, Record, Stage, Wait, WaitFacts, hands_free, is_manual
from cycletrace._internal.flow.rules import SECOND
from cycletrace._internal.otlp.values import fill
from cycletrace._version import __version__

INSIDE = 1000
"""Nanoseconds by which a derived wait lies inside its bounds: Jaeger's critical path skips spans that abut exactly."""
SHORT = 1_000_000
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
    resource = request.resource_spans.add()
    fill(
        resource.resource.attributes,
        {
            words.SERVICE_NAME: facts["model"] or _SERVICE,
            words.SERVICE_NAMESPACE: facts["namespace"] or None,
        },
    )
    scope = resource.scope_spans.add()
    scope.scope.name = SCOPE
    scope.scope.version = __version__
    cycle_id = facts["cycle_id"]
    root_id = words.root_span_id(cycle_id)
    attributes = summary(facts, within_target)
    start, end = bounds(facts, at)
    root = _span(scope.spans.add(), cycle_id, root_id, words.cycle_span(facts["key"] or cycle_id), start, end)
    fill(root.attributes, attributes)
    for other in sent.other_traces:
        _link(root, other, words.root_span_id(other))
    for wait in facts["waits"]:
        if wait["id"] not in sent.waits and wait["end"] is not None and wait["end"] >= wait["start"]:
            _wait(scope.spans.add(), facts, wait, root_id, sent)
    trace_id = words.complete_trace_id(cycle_id)
    complete = _span(scope.spans.add(), trace_id, words.root_span_id(trace_id), words.COMPLETE_SPAN, at, at + SHORT)
    fill(complete.attributes, attributes)
    _link(complete, cycle_id, root_id)
    serialized: bytes = request.SerializeToString()
    return serialized


def bounds(facts: Facts, at: int) -> tuple[int, int]:
    """Return start and end of the root span: the cycle's interval; if it has none, its latest known mark."""
    started, length = facts["marks"]["started"], facts["cycle_time_ns"]
    if started is not None and length is not None:
        return started, started + length
    known = [instant for name in words.MARKS if (instant := facts["marks"][name]) is not None]
    latest = max(known, default=at)
    return latest, latest


def summary(facts: Facts, within_target: bool) -> dict[str, str | bool | int | float | None]:
    """Return every figure of a cycle as attributes. Lengths are seconds, marks UTC nanoseconds."""
    mechanism = next((stage["mechanism"] for stage in facts["stages"] if stage["mechanism"]), None)
    return {
        **_identity(facts),
        words.CYCLE_OUTCOME: facts["outcome"],
        words.CYCLE_DURATION: _seconds(facts["cycle_time_ns"]),
        words.CYCLE_WITHIN_TARGET: within_target,
        words.CYCLE_MANUAL_STEPS: sum(map(is_manual, facts["stages"])),
        words.CYCLE_HANDS_FREE: hands_free(facts),
        words.MECHANISM: mechanism,
        **{words.part_attribute(part): _seconds(facts["parts_ns"][part]) for part in words.PARTS},
        **{words.activity_attribute(name): _seconds(length) for name, length in (facts["activity_ns"] or {}).items()},
        **{words.mark_attribute(name): facts["marks"][name] for name in words.MARKS},
    }


def _identity(facts: Facts) -> dict[str, str | bool | None]:
    return {
        words.DERIVED: True,
        words.CYCLE_ID: facts["cycle_id"],
        words.CYCLE_KEY: facts["key"],
        words.CYCLE_TRIGGER: facts["trigger"],
        words.CYCLE_IMPLICIT: facts["implicit"] or None,
        words.MODEL_NAME: facts["model"],
        words.MODEL_DOMAIN: facts["domain"],
        words.MODEL_VERSION: facts["version"],
    }


def _wait(span: Any, facts: Facts, wait: WaitFacts, root_id: str, sent: Sent) -> None:
    start, end = wait["start"], wait["end"]
    assert end is not None  # derive() passes only ended ones
    inside = min(INSIDE, (end - start) // 2)
    span_id = words.derived_wait_span_id(facts["cycle_id"], wait["id"])
    _span(span, facts["cycle_id"], span_id, words.wait_span(wait["reason"]), start + inside, end - inside)
    stage = wait["stage"]
    parent = stage if stage is not None and stage in sent.stages and _is_span_id(stage) else root_id
    span.parent_span_id = bytes.fromhex(parent)
    fill(
        span.attributes,
        {
            **_identity(facts),
            words.WAIT_ID: wait["id"],
            words.WAIT_REASON: wait["reason"],
            words.STAGE_ID: stage,
            words.WAIT_START: start,
            words.WAIT_END: end,
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


def _seconds(length: int | None) -> float | None:
    return None if length is None else length / SECOND
