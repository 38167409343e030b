"""Conversion of journal documents to the SDK's readable spans, for its encoder and the user's processors."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from opentelemetry.trace import Link, SpanContext, SpanKind, Status, StatusCode, TraceFlags

from cycletrace._version import __version__
from cycletrace.conventions import SERVICE_NAME, SERVICE_NAMESPACE
from cycletrace.diagnostics import describe_error, log_once

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan

SCOPE_NAME = "cycletrace"
SAMPLED = TraceFlags(TraceFlags.SAMPLED)


def span_context(trace_id: str, span_id: str, *, is_remote: bool = False) -> SpanContext:
    """Return a sampled context. The default flags of 0 would make samplers drop its children."""
    return SpanContext(int(trace_id, 16), int(span_id, 16), is_remote=is_remote, trace_flags=SAMPLED)


def readable_span(document: Mapping[str, Any], resource: Mapping[str, Any]) -> ReadableSpan:
    """Return the finished span in a journal document, for the SDK's processors and encoder."""
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import Event, ReadableSpan
    from opentelemetry.sdk.util.instrumentation import InstrumentationScope

    whole = {**resource, SERVICE_NAME: document["service"]}
    if document.get("namespace"):
        whole[SERVICE_NAMESPACE] = document["namespace"]
    parent = document.get("parent_span_id")
    trace_id = document["trace_id"]
    error = document.get("error")
    return ReadableSpan(
        name=document["span"],
        context=span_context(trace_id, document["span_id"]),
        # The root, or a stage of another process: both are remote here.
        parent=span_context(trace_id, parent, is_remote=True) if parent else None,
        resource=Resource(whole),
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
        instrumentation_scope=InstrumentationScope(SCOPE_NAME, __version__),
    )


def hand_over(document: Mapping[str, Any], resource: Mapping[str, Any], processors: Iterable[Any]) -> None:
    """Pass a finished span to the user's span processors. Their exceptions are logged."""
    span = readable_span(document, resource)
    for processor in processors:
        try:
            processor.on_end(span)
        except Exception as error:
            log_once(f"Your span processor {type(processor).__name__} failed: {describe_error(error)}")


def as_processor(given: object) -> Any:
    """Return a span processor unchanged, or an exporter wrapped in a simple one, so that it gets each stage as it ends.

    Raises:
        TypeError: if it is neither.
    """
    if hasattr(given, "on_end"):
        return given
    if hasattr(given, "export"):
        from opentelemetry.sdk.trace.export import SimpleSpanProcessor

        return SimpleSpanProcessor(given)  # type: ignore[arg-type]  # an exporter by what it can do
    raise TypeError(f"span_processors must contain OpenTelemetry span processors or exporters, got {given!r}.")
