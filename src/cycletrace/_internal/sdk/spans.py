"""OpenTelemetry's side of a run: the span that the program sees, and whether it is the current one."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import cache, lru_cache
from json.encoder import encode_basestring_ascii as quoted
from typing import TYPE_CHECKING, Any

from opentelemetry import context as otel_context
from opentelemetry import trace
from opentelemetry.trace import NonRecordingSpan, SpanContext, Status, StatusCode

from cycletrace import conventions as c
from cycletrace._internal import loading
from cycletrace._internal.delivery.readable_span import SCOPE_NAME, span_context
from cycletrace._internal.diagnostics import describe_error, let_pass, log_once, warn_misuse
from cycletrace._internal.journal.format import MAX_LINE
from cycletrace._internal.sdk.attributes import plain_mapping, text
from cycletrace._internal.sdk.outcomes import outcome_of
from cycletrace._version import __version__

if TYPE_CHECKING:
    from opentelemetry.context import Context as OtelContext
    from opentelemetry.trace import Span, Tracer

_encode = json.JSONEncoder(separators=(",", ":")).encode
_UNSET = Status(StatusCode.UNSET)


def begin(
    new_id: Callable[[], str],
    name: str,
    cycle_id: str,
    parent: str,
    start: int,
    linked: SpanContext | None,
    attributes: Mapping[str, Any] | None,
) -> tuple[str, Span]:
    """Begin the span of a stage under this parent. Return its id and the span, which the program can write to.

    ``linked`` is the active span of another trace, if any; ``start`` is UTC nanoseconds.
    """
    span = _tracer(new_id).start_span(
        name,
        context=_parent_context(cycle_id, parent),
        links=() if linked is None else (trace.Link(linked),),
        start_time=start,
    )
    if attributes:
        span.set_attributes(attributes)
    if span.is_recording():
        return "%016x" % span.get_span_context().span_id, span  # noqa: UP031 - half the cost of format
    run_id = new_id()  # OTEL_SDK_DISABLED: journal only
    return run_id, NonRecordingSpan(span_context(cycle_id, run_id))


def is_failed(span: Span) -> bool:
    """Return whether the program set the status to an error, through OpenTelemetry's API."""
    return getattr(span, "status", _UNSET).status_code is StatusCode.ERROR


def close(ours: Span, name: str, end: int, error: BaseException | None, error_type: str) -> tuple[str, str, str]:
    """End the span of a stage. Return its name, and the user's attributes, events and links, as JSON."""
    span: Any = ours
    if not span.is_recording():  # OTEL_SDK_DISABLED, or the program ended it
        if not hasattr(span, "attributes"):
            return quoted(name), "", ""
    else:
        if error is not None and outcome_of(error) in c.ERROR_OUTCOMES:
            _record(span, error, error_type)
        span.end(end)
    attributes = span.attributes
    # Checking the SDK's private lists costs a tenth of the copies that its properties make.
    events = span.events if getattr(span, "_events", True) else ()
    links = span.links if getattr(span, "_links", True) else ()
    own = extras = ""
    if attributes:
        kept = {name: value for name, value in attributes.items() if not name.startswith(c.PREFIX)}
        own = _encode(plain_mapping(kept))[1:-1]
        own += "," if own else ""
    if events:
        items = [[text(event.name), event.timestamp, plain_mapping(event.attributes or {})] for event in events]
        extras += f',"events":{_encode(items)}'
    if links:
        items = [[*_ids(link.context), plain_mapping(link.attributes or {})] for link in links]
        extras += f',"links":{_encode(items)}'
    if len(own) + len(extras) > MAX_LINE // 2:
        warn_misuse(
            "What was set on a stage's span exceeds %d bytes. It is ignored.",
            MAX_LINE // 2,
        )
        own = extras = ""
    return quoted(text(span.name)), own, extras


def becomes_current(propagate: bool | None, *, is_theirs: bool = False) -> bool:
    """Return whether a stage becomes OpenTelemetry's current span, by the setting or the program's set-up.

    Under a stage, the program's root spans would be children of a span that its backend never gets, and a sampler that
    follows the parent would keep all of them. ``is_theirs`` is true if a span of another trace is active, which is not
    that of a stage.
    """
    if propagate is not None:
        return propagate
    # Looked up each time, since it may be set at any time; the public function may load a provider.
    provider = getattr(trace, "_TRACER_PROVIDER", None)
    return not is_theirs and (provider is None or isinstance(provider, trace.NoOpTracerProvider))


def remote_context(cycle_id: str, stage: str) -> OtelContext:
    """Return OpenTelemetry's context inside a stage of another process."""
    remote = NonRecordingSpan(span_context(cycle_id, stage, is_remote=True))
    return trace.set_span_in_context(remote, otel_context.get_current())


def change(context: OtelContext, into: OtelContext) -> None:
    """Make one of our contexts equal to another one, for code elsewhere that is still in it."""
    for key in context.keys() - into.keys():
        dict.pop(context, key)
    dict.update(context, into)


def _record(span: Span, error: BaseException, error_type: str) -> None:
    """Record an exception on the span, even if its ``__str__`` fails."""
    try:
        span.record_exception(error)
    except Exception as failure:
        let_pass(failure)
        span.add_event("exception", {"exception.type": error_type})
    span.set_status(StatusCode.ERROR, error_type)


def _ids(context: SpanContext) -> tuple[str, str]:
    return f"{context.trace_id:032x}", f"{context.span_id:016x}"


@cache
def _tracer(new_id: Callable[[], str]) -> Tracer:
    """Return the tracer that creates the spans of stages: the SDK's, with a separate provider.

    The user's global provider is not used, since its sampler may keep only one trace in a hundred.
    """
    try:
        with loading.lock:
            from opentelemetry.sdk.resources import Resource
            from opentelemetry.sdk.trace import TracerProvider
            from opentelemetry.sdk.trace.id_generator import IdGenerator
            from opentelemetry.sdk.trace.sampling import Decision, Sampler, SamplingResult
    except Exception as error:  # it raises if one of its variables is invalid
        let_pass(error)
        log_once(f"OpenTelemetry's SDK cannot be loaded: {describe_error(error)}. Stages are journaled without it.")
        return trace.NoOpTracer()

    class Ids(IdGenerator):
        def generate_span_id(self) -> int:
            return int(new_id(), 16)

        def generate_trace_id(self) -> int:  # not called: a stage always has a parent
            return int(new_id() + new_id(), 16)

    kept = SamplingResult(Decision.RECORD_AND_SAMPLE)

    class Always(Sampler):
        """A sampler that keeps every stage, like ALWAYS_ON, at a tenth of the cost."""

        def should_sample(self, *_: Any, **__: Any) -> SamplingResult:
            return kept

        def get_description(self) -> str:
            return "every stage"

    provider = TracerProvider(
        sampler=Always(), resource=Resource.get_empty(), id_generator=Ids(), shutdown_on_exit=False
    )
    return provider.get_tracer(SCOPE_NAME, __version__, c.SCHEMA_URL)


@lru_cache(maxsize=256)
def _parent_context(cycle_id: str, span_id: str) -> OtelContext:
    return trace.set_span_in_context(NonRecordingSpan(span_context(cycle_id, span_id)), otel_context.Context())
