"""A run of a stage, from its start to its end."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import cache, lru_cache
from json.encoder import encode_basestring_ascii as quoted
from typing import TYPE_CHECKING, Any, NamedTuple

from opentelemetry import context as otel_context
from opentelemetry import trace
from opentelemetry.trace import NonRecordingSpan, StatusCode

from cycletrace import conventions as c
from cycletrace.emit import people
from cycletrace.emit.current import HERE, Here
from cycletrace.emit.keeper import HEARTBEAT
from cycletrace.emit.outcomes import outcome_of
from cycletrace.emit.processors import SCOPE_NAME, hand_over, scope_version, span_context
from cycletrace.emit.told import complain, tell
from cycletrace.journal.format import frame_text

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.trace import Span, Tracer

    from cycletrace.emit.cycles import Identity
    from cycletrace.emit.runtime import Runtime

LEASE = int(3 * HEARTBEAT)
"""Seconds for which a stage's last word promises that it still runs."""
CLOCK_DISAGREEMENT = 1_000_000_000
"""Nanoseconds by which the wall clock may differ from the steady one over a stage before both are kept."""

_encode = json.JSONEncoder(separators=(",", ":"), default=str).encode


class Terms(NamedTuple):
    """What a definition of a stage says of its runs. Checked where it was defined."""

    name: str
    kind: str
    by: str | None = None
    attempt: int | None = None
    environment: str | None = None
    mechanism: str | None = None


def stage_attributes(runtime: Runtime, cycle: Identity, terms: Terms) -> dict[str, Any]:
    """What every run on these terms tells of itself."""
    actor, person = people.actor(terms.by, runtime.settings)
    attributes = {
        c.STAGE_NAME: terms.name,
        c.STAGE_KIND: terms.kind,
        c.STAGE_ATTEMPT: terms.attempt,
        c.STAGE_LAUNCH: runtime.launch,
        c.ACTOR_TYPE: actor,
        c.ACTOR_ID: person,
        c.ENVIRONMENT: terms.environment or cycle.environment,
        c.MECHANISM: terms.mechanism,
    }
    return {name: value for name, value in attributes.items() if value is not None}


class Position(NamedTuple):
    """Where code runs: our context, and OpenTelemetry's, which is ``None`` where we leave that alone."""

    here: Here
    otel: Context | None


def swap(position: Position) -> Position:
    """Go to this position, and say from where."""
    came_from = Position(HERE.get(), None if position.otel is None else otel_context.get_current())
    HERE.set(position.here)
    if position.otel is not None:
        # The token is of no use: a run may end in another context than it began in, where it is not valid.
        otel_context.attach(position.otel)
    return came_from


class Run:
    """A stage at work. Made by entering a stage; its methods never raise outside strict mode."""

    __slots__ = (
        "_given",
        "_head",
        "_runtime",
        "_steady",
        "_told",
        "cycle",
        "enclosing",
        "id",
        "inside",
        "outside",
        "span",
        "start",
        "terms",
    )

    def __init__(self, runtime: Runtime, terms: Terms, cycle: Identity, attributes: Mapping[str, Any] | None) -> None:
        self._runtime = runtime
        self.terms = terms
        self.cycle = cycle
        self._given: str | None = None
        here = HERE.get()
        self.enclosing = runtime.enclosing_stage(cycle)
        around = trace.get_current_span()
        around_context = around.get_span_context()
        is_foreign = around_context.is_valid and around_context.trace_id != cycle.trace_number
        source = runtime.source
        self.start = source.now()
        self._steady = source.steady()
        self.span: Span = _tracer(source.new_id).start_span(
            terms.name,
            context=_parent_context(cycle.cycle_id, self.enclosing or c.root_span_id(cycle.cycle_id)),
            attributes=attributes,
            links=(trace.Link(around_context),) if is_foreign else (),
            start_time=self.start,
        )
        if self.span.is_recording():
            self.id = f"{self.span.get_span_context().span_id:016x}"
        else:  # OTEL_SDK_DISABLED: journal only
            self.id = source.new_id()
            self.span = NonRecordingSpan(span_context(cycle.cycle_id, self.id))
        # A span of another trace stays current, unless it is that of another stage of ours.
        is_left_alone = (is_foreign and (here.run is None or here.run.span is not around)) or not (
            runtime.settings.is_propagating
        )
        self.outside = Position(here, None if is_left_alone else otel_context.get_current())
        self.inside = Position(
            Here(cycle, self), None if is_left_alone else trace.set_span_in_context(self.span, self.outside.otel)
        )
        self._told = f'"{c.STAGE_ID}":"{self.id}",'
        if self.enclosing is not None:
            self._told += f'"{c.STAGE_PARENT}":"{self.enclosing}",'
        self._told += cycle.fragment((terms, runtime.launch), lambda: stage_attributes(runtime, cycle, terms))
        self._head = (
            f'"trace_id":"{cycle.cycle_id}","span_id":"{self.id}",'
            f'"service":{quoted(cycle.service)},"namespace":{quoted(cycle.namespace)}'
        )
        runtime.running[self.id] = self
        self.tell(c.STAGE_STARTED, self.start)
        runtime.keep()
        runtime.handover.enter_run(self)

    def tell(self, event: str, instant: int | None = None) -> None:
        """Journal an event of this run: that it started, that it still runs."""
        time = self._runtime.source.now() if instant is None else instant
        self._runtime.writer.write(
            frame_text(
                f'{{"event":"{event}","time":{time},{self._head},'
                f'"attributes":{{{self._told},"{c.STAGE_LEASE}":{LEASE}}}}}'
            )
        )

    @property
    def is_running(self) -> bool:
        """Whether it is this process' own and has not ended. A forked child never ends its parent's."""
        return self.id in self._runtime.running

    def enter(self) -> None:
        """Make this run the current stage of the running code."""
        swap(self.inside)

    def leave(self, error: BaseException | None) -> None:
        """End the run and go back to where it was entered."""
        if HERE.get().run is self:
            outside = self.outside
            while outside.here.run is not None and not outside.here.run.is_running and self.is_running:
                outside = outside.here.run.outside  # blocks that were left out of order: what ended is not around us
            swap(outside)
        self.end(error)

    def end(self, error: BaseException | None) -> None:
        """End the run with this exception, or without one. Ending it twice, or in a forked child, does nothing."""
        runtime = self._runtime
        if runtime.running.pop(self.id, None) is None:
            return
        source = runtime.source
        end = self.start + source.steady() - self._steady
        outcome = outcome_of(error)
        if self._given is not None and (error is None or self._given not in c.SUCCESSES):
            outcome = self._given
        told = f'{self._told},"{c.STAGE_OUTCOME}":"{outcome}"'
        if abs(source.now() - end) > CLOCK_DISAGREEMENT:
            told += f',"{c.WALL_END}":{source.now()}'
            tell("The wall clock was set while a stage ran: its length is taken from a clock that is never set.")
        status = "null"
        if outcome in c.ERROR_OUTCOMES:
            error_type = outcome if error is None else type(error).__qualname__
            told += f',"{c.ERROR_TYPE}":{quoted(error_type)}'
            self._record(error, error_type)
            status = quoted(error_type)
        span = self.span
        span.end(end)
        name = getattr(span, "name", self.terms.name)
        text = (
            f'{{"span":{quoted(name)},{self._head},'
            f'"parent_span_id":"{self.enclosing or c.root_span_id(self.cycle.cycle_id)}",'
            f'"start":{self.start},"end":{end},"attributes":{{{_own(span)}{told}}},"error":{status}{_extras(span)}}}'
        )
        runtime.writer.write(frame_text(text))
        runtime.handover.leave_run(self)
        if runtime.settings.span_processors:
            hand_over(json.loads(text), runtime.writer.resource, runtime.settings.span_processors)

    def _record(self, error: BaseException | None, error_type: str) -> None:
        """Put the exception on the span, once. A hostile ``__str__`` of it costs the message only."""
        if error is not None:
            try:
                self.span.record_exception(error)
            except Exception:
                self.span.add_event("exception", {"exception.type": error_type})
        self.span.set_status(StatusCode.ERROR, error_type)

    def set(self, values: Mapping[str, Any]) -> None:
        """Set attributes of the span: scalars, short texts, and sequences of them."""
        self.span.set_attributes(values)

    def give(self, outcome: str) -> None:
        """Say the outcome, instead of what the end of the code would say."""
        if outcome not in c.STAGE_OUTCOMES:
            complain("The outcome %r is none of: %s. It is left out.", outcome, ", ".join(c.STAGE_OUTCOMES))
            return
        self._given = outcome

    @property
    def given(self) -> str | None:
        """The outcome that was said, if one was."""
        return self._given


@cache
def _tracer(new_id: Callable[[], str]) -> Tracer:
    """What makes the spans of stages: the SDK's own tracer, of a provider of our own.

    The user's global provider is left alone; its sampler, which may keep one trace in a hundred, has no say.
    """
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.id_generator import IdGenerator
    from opentelemetry.sdk.trace.sampling import ALWAYS_ON

    class Ids(IdGenerator):
        def generate_span_id(self) -> int:
            return int(new_id(), 16)

        def generate_trace_id(self) -> int:  # never asked: a stage always has a parent, its cycle's root
            return int(new_id() + new_id(), 16)

    provider = TracerProvider(
        sampler=ALWAYS_ON, resource=Resource.get_empty(), id_generator=Ids(), shutdown_on_exit=False
    )
    return provider.get_tracer(SCOPE_NAME, scope_version())


@lru_cache(maxsize=256)
def _parent_context(cycle_id: str, span_id: str) -> Context:
    return trace.set_span_in_context(NonRecordingSpan(span_context(cycle_id, span_id)), otel_context.Context())


def _own(span: Any) -> str:
    """The user's attributes of a span, as the beginning of the inside of a JSON object. Our names are ours."""
    attributes = getattr(span, "attributes", None)
    if not attributes:
        return ""
    own = {name: value for name, value in attributes.items() if not name.startswith(c.PREFIX)}
    return _encode(own)[1:-1] + "," if own else ""


def _extras(span: Any) -> str:
    """Events and links of a span, where it has any."""
    text = ""
    events = getattr(span, "events", ())
    if events:
        text += ',"events":' + _encode(
            [[event.name, event.timestamp, dict(event.attributes or {})] for event in events]
        )
    links = getattr(span, "links", ())
    if links:
        text += ',"links":' + _encode(
            [
                [f"{link.context.trace_id:032x}", f"{link.context.span_id:016x}", dict(link.attributes or {})]
                for link in links
            ]
        )
    return text
