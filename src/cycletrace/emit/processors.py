"""Journal documents as the SDK's own readable spans: for its encoder, and for processors that the user has."""

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
    """A sampled context. Made by hand it would have flags 0, and samplers would drop what is below it."""
    return SpanContext(int(trace_id, 16), int(span_id, 16), is_remote=is_remote, trace_flags=SAMPLED)


def readable_span(document: Mapping[str, Any], resource: Mapping[str, Any]) -> ReadableSpan:
    """The finished span in a document of the journal, as the SDK's processors and encoder take it."""
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
        # The root, or the stage of another process: for this one they are remote.
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
    """Give a finished span to the user's own span processors. What they raise is logged."""
    span = readable_span(document, resource)
    for processor in processors:
        try:
            processor.on_end(span)
        except Exception as error:
            log_once(f"A span processor of yours, a {type(processor).__name__}, failed: {describe_error(error)}")


def as_processor(given: object) -> Any:
    """A span processor as it is; an exporter behind a simple one, so that it gets each stage as it ends.

    Raises:
        TypeError: where it is neither.
    """
    if hasattr(given, "on_end"):
        return given
    if hasattr(given, "export"):
        from opentelemetry.sdk.trace.export import SimpleSpanProcessor

        return SimpleSpanProcessor(given)  # type: ignore[arg-type]  # an exporter by what it can do
    raise TypeError(f"span_processors takes OpenTelemetry span processors or exporters, and {given!r} is neither.")
