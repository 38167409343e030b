"""Conversion of journal documents to the SDK's readable spans, for its encoder and the user's processors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from opentelemetry.trace import Link, SpanContext, SpanKind, Status, StatusCode, TraceFlags

from cycletrace._internal.journal.documents import Record, SpanDocument
from cycletrace._version import __version__
from cycletrace.conventions import SCHEMA_URL, SERVICE_NAME, SERVICE_NAMESPACE

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan

SCOPE_NAME = "cycletrace"
SAMPLED = TraceFlags(TraceFlags.SAMPLED)


def span_context(trace_id: str, span_id: str, *, is_remote: bool = False) -> SpanContext:
    """Return a sampled context. The default flags of 0 would make samplers drop its children."""
    return SpanContext(int(trace_id, 16), int(span_id, 16), is_remote=is_remote, trace_flags=SAMPLED)


def whole_resource(document: Record, resource: Mapping[str, Any]) -> dict[str, Any]:
    """Return the resource attributes of a record: its writer's, and its own service name and namespace."""
    whole = {**resource, SERVICE_NAME: document["service"]}
    if document["namespace"]:
        whole[SERVICE_NAMESPACE] = document["namespace"]
    return whole


def readable_span(document: SpanDocument, resource: Mapping[str, Any]) -> ReadableSpan:
    """Return the finished span in a journal document, for the SDK's processors and encoder."""
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import Event, ReadableSpan
    from opentelemetry.sdk.util.instrumentation import InstrumentationScope

    parent = document["parent_span_id"]
    trace_id = document["trace_id"]
    error = document["error"]
    return ReadableSpan(
        name=document["span"],
        context=span_context(trace_id, document["span_id"]),
        # The root, or a stage of another process: both are remote here.
        parent=span_context(trace_id, parent, is_remote=True) if parent else None,
        resource=Resource(whole_resource(document, resource)),
        attributes=document["attributes"],
        events=[Event(name, attributes, timestamp) for name, timestamp, attributes in document.get("events", ())],
        links=[
            Link(span_context(linked_trace, linked_span), attributes)
            for linked_trace, linked_span, attributes in document.get("links", ())
        ],
        kind=SpanKind.INTERNAL,
        status=Status(StatusCode.UNSET) if error is None else Status(StatusCode.ERROR, error or None),
        start_time=document["start"],
        end_time=document["end"],
        instrumentation_scope=InstrumentationScope(SCOPE_NAME, __version__, SCHEMA_URL),
    )
