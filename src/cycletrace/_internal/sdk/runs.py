"""A run of a stage, from its start to its end."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from contextvars import Token
from functools import lru_cache, partial
from json.encoder import encode_basestring_ascii as quoted
from typing import TYPE_CHECKING, Any, NamedTuple

from opentelemetry import context as otel_context
from opentelemetry import trace

from cycletrace import conventions as c
from cycletrace._internal.diagnostics import (
    Misuse,
    describe_error,
    is_from_handler,
    let_pass,
    log_once,
    never_raise,
    warn_misuse,
)
from cycletrace._internal.journal.format import frame_text
from cycletrace._internal.sdk import people, spans
from cycletrace._internal.sdk.attributes import scalar
from cycletrace._internal.sdk.background import HEARTBEAT
from cycletrace._internal.sdk.current import CURRENT, Context
from cycletrace._internal.sdk.cycles import clean
from cycletrace._internal.sdk.outcomes import outcome_of
from cycletrace._internal.sdk.processors import hand_over
from cycletrace._internal.sdk.runtime import runtime
from cycletrace._internal.sdk.waits import record_sums

if TYPE_CHECKING:
    from opentelemetry.context import Context as OtelContext

    from cycletrace._internal.sdk.cycles import CycleRef
    from cycletrace._internal.sdk.runtime import Runtime

LEASE = int(3 * HEARTBEAT)
"""Seconds after its last heartbeat for which a stage counts as running."""
CLOCK_DISAGREEMENT = 1_000_000_000
"""Nanoseconds by which the wall clock may differ from the recorded end of a stage before both are kept."""

_encode = json.JSONEncoder(separators=(",", ":")).encode


class StageSpec(NamedTuple):
    """The properties that a stage's definition gives its runs, already checked."""

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
    """Return the cleaned properties of a definition, with the kind derived from the name if none was given."""
    name = clean(name or "stage")
    kind = kind or (name if name in c.PART_OF_KIND else c.OTHER)
    return StageSpec(name, kind, by, attempt, clean(environment) if environment else None, mechanism)


def stage_attributes(runtime: Runtime, cycle: CycleRef, spec: StageSpec) -> dict[str, Any]:
    """Return the attributes common to all runs with this specification."""
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
    """Start a run of a stage without making it current. Return ``None`` if nothing is recorded."""
    try:  # without the decorator, since this is a hot path
        state = runtime()
        if state is None:
            return None
        return Run(state, spec, state.here_cycle() if cycle is None else cycle, attributes)
    except Misuse:
        raise
    except RecursionError:  # no room on the stack, not even to log it
        return None
    except Exception as error:
        let_pass(error)
        log_once(f"A stage was not recorded: {describe_error(error)}")
        return None


class Contexts(NamedTuple):
    """Our context, and OpenTelemetry's, which is ``None`` if we do not change it."""

    here: Context
    otel: OtelContext | None


@never_raise
def go(contexts: Contexts) -> Contexts:
    """Switch to these contexts and return the previous ones. Never raises."""
    return swap(contexts)


def swap(contexts: Contexts) -> Contexts:
    """Switch to these contexts and return the previous ones."""
    came_from = Contexts(CURRENT.get(), None if contexts.otel is None else otel_context.get_current())
    CURRENT.set(contexts.here)
    if contexts.otel is not None:
        otel_context.attach(contexts.otel)
    return came_from


class Run:
    """One run of a stage, from its entry to its end. Its methods never raise outside strict mode."""

    __slots__ = (
        "_fragment",
        "_given",
        "_ids",
        "_length",
        "_otel_inside",
        "_runtime",
        "_steady",
        "_token",
        "_waited",
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
        self._waited: dict[str, int] | None = None
        """Nanoseconds by reason."""
        self.has_ended = False
        self._token: Token[Context] | None = None
        self.around = here = CURRENT.get()
        otel = otel_context.get_current()
        self.enclosing = enclosing = runtime.enclosing_stage(cycle)
        around = trace.get_current_span(otel)
        around_context = around.get_span_context()
        is_foreign = around_context.trace_id != cycle.trace_number and around_context.is_valid
        source = runtime.source
        self.start = start = source.now()
        self._steady = source.steady()
        self.id, self.span = spans.begin(
            source.new_id,
            spec.name,
            cycle.cycle_id,
            enclosing or cycle.root_id,
            start,
            around_context if is_foreign else None,
            attributes,
        )
        run_id = self.id
        is_theirs = is_foreign and (here.run is None or here.run.span is not around)
        is_current = spans.becomes_current(runtime.settings.propagate, is_theirs=is_theirs)
        self.otel_around = otel if is_current else None
        self._otel_inside = trace.set_span_in_context(self.span, otel) if is_current else None
        within = enclosing or runtime.job_stage(cycle)
        parent = "" if within is None else f'"{c.STAGE_PARENT}":"{within}",'
        self._ids = f'"{c.STAGE_ID}":"{run_id}",{parent}"{c.PROCESS_ID}":{runtime.pid},'
        self._fragment = cycle.fragment((spec, runtime), lambda: stage_attributes(runtime, cycle, spec))
        runtime.running[run_id] = self
        try:
            self.write_event(c.STAGE_STARTED, start)
            if spec.kind == c.TRAIN and not runtime.records_errors_only:
                runtime.begin_training(cycle)
            runtime.ensure_worker()
            runtime.propagation.enter_run(self)
        except BaseException as error:  # interrupted: nobody will end it
            self.end(error)
            raise

    def write_event(self, event: str, instant: int | None = None) -> None:
        """Journal an event of this run: its start, or a heartbeat."""
        if self._runtime.records_errors_only:
            return
        time = self._runtime.source.now() if instant is None else instant
        self._runtime.writer.write(
            frame_text(
                f'{{"event":"{event}","time":{time},{self.cycle.head},"span_id":"{self.id}",'
                f'"attributes":{{{self._ids}{self._fragment},"{c.STAGE_LEASE}":{LEASE}}}}}'
            )
        )

    @property
    def inside(self) -> Contexts:
        """The contexts inside this run. Not stored, since that would be a reference cycle."""
        return Contexts(Context(self.cycle, self, self.around.attached), self._otel_inside)

    def enter(self) -> None:
        """Make this run the current stage of the running code."""
        self._token = CURRENT.set(Context(self.cycle, self, self.around.attached))
        if self._otel_inside is not None:
            otel_context.attach(self._otel_inside)

    def leave(self, error: BaseException | None) -> None:
        """End the run and, if the running code is inside it, return to the context in which it was entered."""
        try:
            self._go_back()
        except BaseException:  # interrupted: finish what was begun
            self._go_back()
            self.end(error)
            raise
        self.end(error)

    def _go_back(self) -> None:
        here = CURRENT.get()
        run = here.run
        while run is not None and run is not self:
            run = run.around.run  # also leave whatever was entered inside and never left
        outermost = self
        while (outer := outermost.around.run) is not None and outer.has_ended:
            outermost = outer  # blocks were left out of order: skip those that ended
        otel = outermost.otel_around
        if otel is not None and run is self:
            otel_context.attach(otel)
        token, self._token = self._token, None  # it refers to the context, and so to the run
        try:
            if token is not None:
                CURRENT.reset(token)
        except ValueError as failure:  # not the context in which it was entered: another task closed a generator, say
            let_pass(failure)
            if otel is not None and self._otel_inside is not None:
                spans.change(self._otel_inside, otel)
        CURRENT.set(outermost.around if run is self else here)

    def end(self, error: BaseException | None) -> None:
        """End the run with this exception, or without one. Ending it twice, or in a forked child, does nothing."""
        try:  # without the decorator, since this is a hot path
            self.finish(error)
            if self._runtime.unfinished:
                self._runtime.finish_rest()
        except Misuse:
            raise
        except RecursionError:  # no room on the stack: the next run to end, nearer to its start, finishes this one
            self._runtime.unfinished.append(partial(self.finish, error))
        except BaseException as failure:
            if not isinstance(failure, Exception) or is_from_handler(failure):
                self.finish(error)  # interrupted: finish what was begun
                raise
            log_once(f"The end of a stage was not recorded: {describe_error(failure)}")

    def finish(self, error: BaseException | None) -> None:
        """Record the end of the run. Repeat this if it was interrupted."""
        runtime = self._runtime
        if self.id not in runtime.running:
            return
        source = runtime.source
        if not self.has_ended:
            self._length = source.steady() - self._steady
            self.has_ended = True
        end = self.start + self._length
        outcome, error_type = self._outcome(error)
        result = f'"{c.STAGE_OUTCOME}":"{outcome}"'
        wall = source.wall()
        if abs(wall - end) > CLOCK_DISAGREEMENT:
            result += f',"{c.WALL_END}":{wall}'
            log_once("The wall clock was set while the program ran. Its records follow a monotonic clock.")
        status = "null"
        if outcome in c.ERROR_OUTCOMES:
            status = quoted(error_type)
            result += f',"{c.ERROR_TYPE}":{status}'
        try:
            name, own, extras = spans.close(self.span, self.spec.name, end, error, error_type)
        except Exception as failure:  # users may set anything on it: our attributes are written regardless
            let_pass(failure)
            log_once(
                f"The attributes, events and links that were set on a stage's span are lost: {describe_error(failure)}"
            )
            name, own, extras = quoted(self.spec.name), "", ""
        document = (
            f'{{"span":{name},{self.cycle.head},"span_id":"{self.id}",'
            f'"parent_span_id":"{self.enclosing or self.cycle.root_id}","start":{self.start},"end":{end},'
            f'"attributes":{{{own}{self._ids}{self._fragment},{result}}},"error":{status}{extras}}}'
        )
        is_recorded = not runtime.records_errors_only or outcome in c.ERROR_OUTCOMES
        if is_recorded:
            if self._waited is not None and not runtime.records_errors_only:
                waited, self._waited = self._waited, None
                record_sums(runtime, self.cycle, self.id, self.start, end, waited)
            runtime.writer.write(frame_text(document))
            runtime.roots.extend_stage(self.cycle, self.start, end, self.spec.kind, outcome, self.spec.environment)
        runtime.propagation.leave_run(self)
        runtime.running.pop(self.id, None)  # an interrupted end is finished by another one
        if is_recorded and runtime.settings.span_processors:
            hand_over(json.loads(document), runtime.writer.resource, runtime.settings.span_processors)

    def _outcome(self, error: BaseException | None) -> tuple[str, str]:
        """Return the outcome and error type. A success set by the code never overrides an exception."""
        outcome = c.OK if error is None else outcome_of(error)
        if self._given is not None and (error is None or self._given not in c.SUCCESSES):
            outcome = self._given
        elif error is None and spans.is_failed(self.span):
            outcome = c.ERROR
        return outcome, outcome if error is None else type(error).__qualname__

    @never_raise
    def set(self, values: Mapping[str, Any]) -> None:
        """Set attributes of the span: numbers, strings, booleans."""
        made = {name: scalar(value) for name, value in values.items()}
        for name, value in made.items():
            if value is None:
                kind = type(values[name]).__name__
                warn_misuse("Attributes must be numbers, strings or booleans, got %r of type %s. Ignored.", name, kind)
        if self.span.is_recording():  # for an ended one, OpenTelemetry would log a warning
            self.span.set_attributes({name: value for name, value in made.items() if value is not None})

    @never_raise
    def add_wait(self, reason: str, seconds: Any) -> None:
        """Add to how long the run waited for a reason, batch by batch."""
        if reason not in c.REASONS:
            warn_misuse("The reason must be one of %s, got %r. It is ignored.", ", ".join(c.REASONS), reason)
        elif not (isinstance(seconds, (int, float)) and 0 <= seconds < math.inf):
            warn_misuse("The seconds of a wait must be a number from 0, got %r. They are ignored.", seconds)
        else:
            if self._waited is None:
                self._waited = {}
            self._waited[reason] = self._waited.get(reason, 0) + round(seconds * 1e9)

    @never_raise
    def give(self, outcome: str) -> None:
        """Set the outcome, overriding the one that the run's end implies."""
        if outcome not in c.STAGE_OUTCOMES:
            warn_misuse("The outcome must be one of %s, got %r. It is ignored.", ", ".join(c.STAGE_OUTCOMES), outcome)
            return
        self._given = outcome

    @property
    def given(self) -> str | None:
        """The outcome that the code set, if any."""
        return self._given
