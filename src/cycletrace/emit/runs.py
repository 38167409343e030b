"""A run of a stage, from its start to its end."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import cache, lru_cache
from json.encoder import encode_basestring_ascii as quoted
from typing import TYPE_CHECKING, Any, NamedTuple

from opentelemetry import context as otel_context
from opentelemetry import trace
from opentelemetry.trace import NonRecordingSpan, SpanContext, Status, StatusCode

from cycletrace import conventions as c
from cycletrace._version import __version__
from cycletrace.diagnostics import Misuse, describe_error, log_once, never_raise, warn_misuse
from cycletrace.emit import loading, people
from cycletrace.emit.attributes import plain_mapping, scalar, text
from cycletrace.emit.background import HEARTBEAT
from cycletrace.emit.current import CURRENT, Context
from cycletrace.emit.cycles import clean
from cycletrace.emit.outcomes import outcome_of
from cycletrace.emit.processors import SCOPE_NAME, hand_over, span_context
from cycletrace.emit.runtime import runtime
from cycletrace.journal.format import MAX_LINE, frame_text

if TYPE_CHECKING:
    from opentelemetry.context import Context as OtelContext
    from opentelemetry.trace import Span, Tracer

    from cycletrace.emit.cycles import CycleRef
    from cycletrace.emit.runtime import Runtime

LEASE = int(3 * HEARTBEAT)
"""Seconds for which a stage's last word promises that it still runs."""
CLOCK_DISAGREEMENT = 1_000_000_000
"""Nanoseconds by which the wall clock may differ from the steady one over a stage before both are kept."""

_encode = json.JSONEncoder(separators=(",", ":")).encode


class StageSpec(NamedTuple):
    """What a definition of a stage says of its runs. Checked where it was defined."""

    name: str
    kind: str
    by: str | None = None
    attempt: int | None = None
    environment: str | None = None
    mechanism: str | None = None


@lru_cache(maxsize=256)
def spec_of(
    name: str | None,
    kind: str | None,
    by: str | None,
    attempt: int | None,
    environment: str | None,
    mechanism: str | None,
) -> StageSpec:
    """What a definition says, made sound, with the kind that its name gives it where none was said."""
    name = clean(name or "stage")
    kind = kind or (name if name in c.PART_OF_KIND else c.OTHER)
    return StageSpec(name, kind, by, attempt, clean(environment) if environment else None, mechanism)


def stage_attributes(runtime: Runtime, cycle: CycleRef, spec: StageSpec) -> dict[str, Any]:
    """What every run on these spec tells of itself."""
    actor, person = people.actor(spec.by, runtime.settings)
    attributes = {
        c.STAGE_NAME: spec.name,
        c.STAGE_KIND: spec.kind,
        c.STAGE_ATTEMPT: spec.attempt,
        c.STAGE_LAUNCH: runtime.launch,
        c.ACTOR_TYPE: actor,
        c.ACTOR_ID: person,
        c.ENVIRONMENT: spec.environment or cycle.environment,
        c.MECHANISM: spec.mechanism,
    }
    return {name: value for name, value in attributes.items() if value is not None}


def begin(spec: StageSpec, cycle: CycleRef | None, attributes: Mapping[str, Any] | None = None) -> Run | None:
    """Start a run of a stage, not yet the current one. ``None`` where nothing is recorded."""
    try:  # not by the decorator: this is the way of every stage
        state = runtime()
        if state is None:
            return None
        return Run(state, spec, state.here_cycle() if cycle is None else cycle, attributes)
    except Misuse:
        raise
    except Exception as error:
        log_once(f"A stage was not recorded: {describe_error(error)}")
        return None


class Contexts(NamedTuple):
    """Where code runs: our context, and OpenTelemetry's, which is ``None`` where we leave that alone."""

    here: Context
    otel: OtelContext | None


@never_raise
def go(contexts: Contexts) -> Contexts:
    """Go to these contexts, and return those that were left. For code that the user's surrounds."""
    return swap(contexts)


def swap(position: Contexts) -> Contexts:
    """Go to this position, and say from where."""
    came_from = Contexts(CURRENT.get(), None if position.otel is None else otel_context.get_current())
    _go(*position)
    return came_from


def _go(here: Context, otel: OtelContext | None) -> None:
    CURRENT.set(here)
    if otel is not None:
        # The token is of no use: a run may end in another context than it began in, where it is not valid.
        otel_context.attach(otel)


class Run:
    """A stage at work. Made by entering a stage; its methods never raise outside strict mode."""

    __slots__ = (
        "_fragment",
        "_given",
        "_ids",
        "_otel_inside",
        "_runtime",
        "_steady",
        "around",
        "cycle",
        "enclosing",
        "has_ended",
        "id",
        "otel_around",
        "span",
        "spec",
        "start",
    )

    def __init__(
        self, runtime: Runtime, spec: StageSpec, cycle: CycleRef, attributes: Mapping[str, Any] | None
    ) -> None:
        self._runtime = runtime
        self.spec = spec
        self.cycle = cycle
        self._given: str | None = None
        self.has_ended = False
        self.around = here = CURRENT.get()
        otel = otel_context.get_current()
        self.enclosing = enclosing = runtime.enclosing_stage(cycle)
        around = trace.get_current_span(otel)
        around_context = around.get_span_context()
        is_foreign = around_context.trace_id != cycle.trace_number and around_context.is_valid
        source = runtime.source
        self.start = start = source.now()
        self._steady = source.steady()
        self.span: Span = _tracer(source.new_id).start_span(
            spec.name,
            context=_parent_context(cycle.cycle_id, enclosing or cycle.root_id),
            links=(trace.Link(around_context),) if is_foreign else (),
            start_time=start,
        )
        if attributes:
            self.span.set_attributes(attributes)
        if self.span.is_recording():
            self.id = run_id = "%016x" % self.span.get_span_context().span_id  # noqa: UP031 - half the cost of format
        else:  # OTEL_SDK_DISABLED: journal only
            self.id = run_id = source.new_id()
            self.span = NonRecordingSpan(span_context(cycle.cycle_id, run_id))
        # A span of another trace stays current, unless it is that of another stage of ours.
        if not runtime.settings.is_propagating or (is_foreign and (here.run is None or here.run.span is not around)):
            self.otel_around = self._otel_inside = None
        else:
            self.otel_around = otel
            self._otel_inside = trace.set_span_in_context(self.span, otel)
        parent = "" if enclosing is None else f'"{c.STAGE_PARENT}":"{enclosing}",'
        self._ids = f'"{c.STAGE_ID}":"{run_id}",{parent}'
        self._fragment = cycle.fragment((spec, runtime.launch), lambda: stage_attributes(runtime, cycle, spec))
        runtime.running[run_id] = self
        self.tell(c.STAGE_STARTED, start)
        runtime.ensure_worker()
        runtime.propagation.enter_run(self)

    def tell(self, event: str, instant: int | None = None) -> None:
        """Journal an event of this run: that it started, that it still runs."""
        time = self._runtime.source.now() if instant is None else instant
        self._runtime.writer.write(
            frame_text(
                f'{{"event":"{event}","time":{time},{self.cycle.head},"span_id":"{self.id}",'
                f'"attributes":{{{self._ids}{self._fragment},"{c.STAGE_LEASE}":{LEASE}}}}}'
            )
        )

    @property
    def inside(self) -> Contexts:
        """Where code inside this run is. Made when asked for: kept here it would be a cycle for the collector."""
        return Contexts(Context(self.cycle, self, self.around.attached), self._otel_inside)

    def enter(self) -> None:
        """Make this run the current stage of the running code."""
        _go(Context(self.cycle, self, self.around.attached), self._otel_inside)

    def leave(self, error: BaseException | None) -> None:
        """End the run and, where the running code is inside it, go back to where it was entered."""
        run = CURRENT.get().run
        while run is not None and run is not self:
            run = run.around.run  # what was entered in here and never left is left, too
        if run is self:
            outermost = self
            while (outer := outermost.around.run) is not None and outer.has_ended:
                outermost = outer  # blocks that were left out of order: what ended is not around us
            _go(outermost.around, outermost.otel_around)
        self.end(error)

    def end(self, error: BaseException | None) -> None:
        """End the run with this exception, or without one. Ending it twice, or in a forked child, does nothing."""
        try:  # not by the decorator: this is the way of every stage
            self._end(error)
        except Misuse:
            raise
        except Exception as failure:
            log_once(f"The end of a stage was not recorded: {describe_error(failure)}")

    def _end(self, error: BaseException | None) -> None:
        runtime = self._runtime
        if runtime.running.pop(self.id, None) is None:
            return
        self.has_ended = True
        source = runtime.source
        end = self.start + source.steady() - self._steady
        outcome, error_type = self._outcome(error)
        told = f'"{c.STAGE_OUTCOME}":"{outcome}"'
        if abs(source.now() - end) > CLOCK_DISAGREEMENT:
            told += f',"{c.WALL_END}":{source.now()}'
            log_once("The wall clock was set while a stage ran: its length is taken from a clock that is never set.")
        status = "null"
        if outcome in c.ERROR_OUTCOMES:
            status = quoted(error_type)
            told += f',"{c.ERROR_TYPE}":{status}'
        try:
            name, own, extras = self._close_span(end, error, error_type)
        except Exception as failure:  # what users put there may be anything: our own words are told all the same
            log_once(f"What was put on the span of a stage is left out: {describe_error(failure)}")
            name, own, extras = quoted(self.spec.name), "", ""
        document = (
            f'{{"span":{name},{self.cycle.head},"span_id":"{self.id}",'
            f'"parent_span_id":"{self.enclosing or self.cycle.root_id}","start":{self.start},"end":{end},'
            f'"attributes":{{{own}{self._ids}{self._fragment},{told}}},"error":{status}{extras}}}'
        )
        runtime.writer.write(frame_text(document))
        runtime.propagation.leave_run(self)
        if runtime.settings.span_processors:
            hand_over(json.loads(document), runtime.writer.resource, runtime.settings.span_processors)

    def _outcome(self, error: BaseException | None) -> tuple[str, str]:
        """The outcome, and the type of error where it is one: what was said wins, but no success over an exception."""
        outcome = c.OK if error is None else outcome_of(error)
        if self._given is not None and (error is None or self._given not in c.SUCCESSES):
            outcome = self._given
        elif error is None and getattr(self.span, "status", _UNSET).status_code is StatusCode.ERROR:
            outcome = c.ERROR  # said through OpenTelemetry's API
        return outcome, outcome if error is None else type(error).__qualname__

    def _close_span(self, end: int, error: BaseException | None, error_type: str) -> tuple[str, str, str]:
        """End the span, and say what users put on it: its name, attributes, events and links, as JSON."""
        span: Any = self.span
        if not span.is_recording():  # OTEL_SDK_DISABLED, or somebody else ended it
            if not hasattr(span, "attributes"):
                return quoted(self.spec.name), "", ""
        else:
            if error is not None and outcome_of(error) in c.ERROR_OUTCOMES:
                _record(span, error, error_type)
            span.end(end)
        attributes = span.attributes
        # A look at the SDK's own lists costs a tenth of the copies that its properties make.
        events = span.events if getattr(span, "_events", True) else ()
        links = span.links if getattr(span, "_links", True) else ()
        own = extras = ""
        if attributes:
            kept = {name: value for name, value in attributes.items() if not name.startswith(c.PREFIX)}
            own = _encode(plain_mapping(kept))[1:-1]
            own += "," if own else ""
        if events:
            told = [[text(event.name), event.timestamp, plain_mapping(event.attributes or {})] for event in events]
            extras += f',"events":{_encode(told)}'
        if links:
            told = [[*_ids(link.context), plain_mapping(link.attributes or {})] for link in links]
            extras += f',"links":{_encode(told)}'
        if len(own) + len(extras) > MAX_LINE // 2:
            warn_misuse("What was put on a stage's span is over %d bytes. It is left out.", MAX_LINE // 2)
            own = extras = ""
        return quoted(text(span.name)), own, extras

    @never_raise
    def set(self, values: Mapping[str, Any]) -> None:
        """Set attributes of the span: numbers, texts, truth values."""
        made = {name: scalar(value) for name, value in values.items()}
        for name, value in made.items():
            if value is None:
                kind = type(values[name]).__name__
                warn_misuse(
                    "%r is a %s, which no attribute can be: numbers, texts, truth values. Left out.", name, kind
                )
        if self.span.is_recording():  # of one that ended, OpenTelemetry would print a warning
            self.span.set_attributes({name: value for name, value in made.items() if value is not None})

    @never_raise
    def give(self, outcome: str) -> None:
        """Say the outcome, instead of what the end of the code would say."""
        if outcome not in c.STAGE_OUTCOMES:
            warn_misuse("The outcome %r is none of: %s. It is left out.", outcome, ", ".join(c.STAGE_OUTCOMES))
            return
        self._given = outcome

    @property
    def given(self) -> str | None:
        """The outcome that was said, if one was."""
        return self._given


_UNSET = Status(StatusCode.UNSET)


def _record(span: Span, error: BaseException, error_type: str) -> None:
    """Put an exception on the span, once. A hostile ``__str__`` of it costs the message only."""
    try:
        span.record_exception(error)
    except Exception:
        span.add_event("exception", {"exception.type": error_type})
    span.set_status(StatusCode.ERROR, error_type)


def _ids(context: SpanContext) -> tuple[str, str]:
    return f"{context.trace_id:032x}", f"{context.span_id:016x}"


@cache
def _tracer(new_id: Callable[[], str]) -> Tracer:
    """What makes the spans of stages: the SDK's own tracer, of a provider of our own.

    The user's global provider is left alone; its sampler, which may keep one trace in a hundred, has no say.
    """
    try:
        with loading.lock:
            from opentelemetry.sdk.resources import Resource
            from opentelemetry.sdk.trace import TracerProvider
            from opentelemetry.sdk.trace.id_generator import IdGenerator
            from opentelemetry.sdk.trace.sampling import Decision, Sampler, SamplingResult
    except Exception as error:  # it raises where a variable of its own holds nonsense
        log_once(f"OpenTelemetry's SDK cannot be loaded: {describe_error(error)}. Stages are journaled without it.")
        return trace.NoOpTracer()

    class Ids(IdGenerator):
        def generate_span_id(self) -> int:
            return int(new_id(), 16)

        def generate_trace_id(self) -> int:  # never asked: a stage always has a parent, its cycle's root
            return int(new_id() + new_id(), 16)

    kept = SamplingResult(Decision.RECORD_AND_SAMPLE)

    class Always(Sampler):
        """Keeps every stage, as ALWAYS_ON does, at a tenth of the cost."""

        def should_sample(self, *_: Any, **__: Any) -> SamplingResult:
            return kept

        def get_description(self) -> str:
            return "every stage"

    provider = TracerProvider(
        sampler=Always(), resource=Resource.get_empty(), id_generator=Ids(), shutdown_on_exit=False
    )
    return provider.get_tracer(SCOPE_NAME, __version__)


def stage_context(cycle: CycleRef, stage: str, run: Run | None) -> OtelContext:
    """OpenTelemetry's context inside a stage: of this process where its run is given, else of another."""
    if run is not None and (inside := run.inside.otel) is not None:
        return inside
    remote = NonRecordingSpan(span_context(cycle.cycle_id, stage, is_remote=True))
    return trace.set_span_in_context(remote, otel_context.get_current())


@lru_cache(maxsize=256)
def _parent_context(cycle_id: str, span_id: str) -> OtelContext:
    return trace.set_span_in_context(NonRecordingSpan(span_context(cycle_id, span_id)), otel_context.Context())
