"""The requests that ``collector.py`` sends: spans of other programs, and stages of ours among them."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from pathlib import Path

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span

from cycletrace import conventions as c

SECOND = 1_000_000_000
STAGES = 10
"""Stages of a cycle."""
_KINDS = [kind for kind in c.KINDS if kind != c.OTHER] + ["test"]
_FOREIGN = {f"http.attribute.{index}": f"value {index}" for index in range(8)}


def requests(spans: int, in_request: int, every: int | None, first: int = 0) -> Iterator[bytes]:
    """Yield requests with spans of eight attributes each.

    Every so manieth span, if any, is ours: ten stages in a row are a cycle. ``first`` is the number of the first cycle.
    All spans of a request have the same resource, as where one program sends both kinds.
    """
    now = time.time_ns() - 3600 * SECOND
    number = first * STAGES
    for begin in range(0, spans, in_request):
        made = []
        for place in range(begin, min(begin + in_request, spans)):
            if every is not None and place % every == 0:
                made.append(_stage(number, now))
                number += 1
            else:
                made.append(_span(place, "GET /api", now, _FOREIGN))
        yield request(made)


def abandoned(model: str) -> bytes:
    """Return a request with a cycle of this model that ends at once."""
    key = f"{model}@1"
    declared = {c.CYCLE_ID: c.cycle_id("", key), c.CYCLE_KEY: key, c.MODEL_NAME: model, c.CYCLE_OUTCOME: c.ABANDONED}
    return request([_span(time.time_ns(), "abandon", time.time_ns(), declared)])


def request(spans: Iterable[Span]) -> bytes:
    """Return the request with these spans, of one program."""
    resource = Resource(attributes=[KeyValue(key=c.SERVICE_NAME, value=AnyValue(string_value="bench"))])
    whole = ExportTraceServiceRequest(
        resource_spans=[ResourceSpans(resource=resource, scope_spans=[ScopeSpans(spans=spans)])]
    )
    serialized: bytes = whole.SerializeToString()
    return serialized


def write(file: Path, bodies: Iterable[bytes]) -> Path:
    """Write requests as ``otlp_load`` reads them, and return the file."""
    with file.open("wb") as out:
        for body in bodies:
            out.write(len(body).to_bytes(4, "big") + body)
    return file


def _stage(number: int, now: int) -> Span:
    kind = _KINDS[number % STAGES]
    key = f"model{number // STAGES % 20}@{number // STAGES}"
    attributes = {
        c.CYCLE_ID: c.cycle_id("", key),
        c.CYCLE_KEY: key,
        c.MODEL_NAME: key.partition("@")[0],
        c.STAGE_ID: f"{number:016x}",
        c.STAGE_NAME: kind,
        c.STAGE_KIND: kind,
        c.STAGE_OUTCOME: c.OK,
        c.STAGE_LAUNCH: "ci",
    }
    return _span(number, kind, now + number % STAGES * 60 * SECOND, attributes)


def _span(number: int, name: str, start: int, attributes: dict[str, str]) -> Span:
    return Span(
        trace_id=(number + 1).to_bytes(16, "big"),
        span_id=(number + 1).to_bytes(8, "big"),
        name=name,
        kind=Span.SpanKind.SPAN_KIND_INTERNAL,
        start_time_unix_nano=start,
        end_time_unix_nano=start + SECOND,
        attributes=[KeyValue(key=key, value=AnyValue(string_value=value)) for key, value in attributes.items()],
    )
