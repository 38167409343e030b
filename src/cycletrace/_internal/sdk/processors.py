"""The user's span processors and exporters, which get each stage as it ends."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from cycletrace._internal.delivery.readable_span import readable_span
from cycletrace._internal.diagnostics import describe_error, let_pass, log_once
from cycletrace._internal.journal.documents import SpanDocument


def hand_over(document: SpanDocument, resource: Mapping[str, Any], processors: Iterable[Any]) -> None:
    """Pass a finished span to the user's span processors. Their exceptions are logged."""
    span = readable_span(document, resource)
    for processor in processors:
        try:
            processor.on_end(span)
        except Exception as error:
            let_pass(error)
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
