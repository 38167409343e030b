"""What the face calls. Whatever goes wrong in here is logged, and the program goes on without a record (rule 1)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from cycletrace.emit import handover, settings, words
from cycletrace.emit.current import HERE, Here
from cycletrace.emit.cycles import Identity, from_key, new_key
from cycletrace.emit.ids import Source
from cycletrace.emit.processors import as_processor
from cycletrace.emit.runs import Position, Run, Terms, swap
from cycletrace.emit.runtime import reset, runtime
from cycletrace.emit.told import LOGGER, Misuse, complain
from cycletrace.emit.waits import OpenWait

P = ParamSpec("P")
R = TypeVar("R")


def harmless(function: Callable[P, R]) -> Callable[P, R | None]:
    """The function, but what it raises is logged, and it returns ``None`` instead. Strict mode raises."""

    @wraps(function)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> R | None:
        try:
            return function(*args, **kwargs)
        except Misuse:
            raise
        except Exception as error:
            LOGGER.warning("%s failed, and nothing was recorded: %r", function.__name__, error)
            return None

    return guarded


@harmless
def begin(terms: Terms, cycle: Identity | None, attributes: Mapping[str, Any] | None = None) -> Run | None:
    """Start a run of a stage, not yet the current one. ``None`` where cycletrace is disabled."""
    state = runtime()
    if state is None:
        return None
    return Run(state, terms, state.here_cycle() if cycle is None else cycle, attributes)


@harmless
def enter(run: Run) -> None:
    """Make a run the current stage."""
    run.enter()


@harmless
def leave(run: Run, error: BaseException | None) -> None:
    """End a run with this exception, or without one, and go back to where it was entered."""
    run.leave(error)


@harmless
def end(run: Run, error: BaseException | None) -> None:
    """End a run that is not the current one."""
    run.end(error)


@harmless
def go(position: Position) -> Position:
    """Go to a position, and say from where."""
    return swap(position)


@harmless
def open_wait(reason: str, by: str | None, cycle: Identity | None, run: Run | None) -> OpenWait | None:
    """Open a wait of this run, else of this cycle, else of where the code is."""
    state = runtime()
    if state is None:
        return None
    if run is None and cycle is None:
        run = HERE.get().run
    if run is not None:
        return OpenWait(state, run.cycle, reason, by, run.id)
    return OpenWait(state, cycle or state.here_cycle(), reason, by, None)


@harmless
def close_wait(wait: OpenWait) -> None:
    """Close a wait."""
    wait.end()


@harmless
def enter_cycle(cycle: Identity, entry: object) -> Position | None:
    """Make a cycle the current one for a block of code."""
    state = runtime()
    if state is None:
        return None
    state.handover.enter_cycle(entry, cycle)
    return swap(Position(Here(cycle), None))


@harmless
def leave_cycle(came_from: Position, entry: object) -> None:
    """Go back to where that block was entered."""
    swap(came_from)
    state = runtime()
    if state is not None:
        state.handover.leave_cycle(entry)


@harmless
def mark(
    cycle: Identity | None, name: str, at: int | None, environment: str | None = None, mechanism: str | None = None
) -> None:
    """Say that this cycle, else the current one, reached a mark."""
    state = runtime()
    if state is not None:
        words.mark(state, cycle or state.here_cycle(), name, at, environment=environment, mechanism=mechanism)


@harmless
def alias(cycle: Identity, key: str) -> None:
    """Say that this key, too, is of this cycle."""
    state = runtime()
    if state is not None:
        words.alias(state, cycle, key)


@harmless
def close(cycle: Identity, outcome: str, at: int | None) -> None:
    """Say how this cycle ended."""
    state = runtime()
    if state is not None:
        words.close(state, cycle, outcome, at)


@harmless
def known_cycle() -> Identity | None:
    """The cycle that the code runs in, as far as one is known."""
    state = runtime()
    return None if state is None else state.known_cycle()


@harmless
def served(
    model: str | None,
    version: str | None,
    key: str | None,
    mechanism: str | None,
    environment: str | None,
    at: int | None = None,
) -> None:
    """Say that a prediction of a version was served to a consumer, now or at an instant (UTC nanoseconds)."""
    state = runtime()
    if state is None:
        return
    namespace = state.settings.namespace
    if key is not None:
        cycle = from_key(key, namespace)
    elif model is not None and version is not None:
        cycle = identify(model, version)
    else:
        cycle = state.here_cycle()
        if model is not None and cycle.words["model"] != model:
            complain("served(%r) needs a version or a key, since no cycle of that model runs here.", model)
            return
    words.mark(state, cycle, "in_use", at, environment=environment, mechanism=mechanism)


def identify(
    model: str,
    version: str | None = None,
    *,
    key: str | None = None,
    domain: str | None = None,
    trigger: str | None = None,
    environment: str | None = None,
) -> Identity:
    """The cycle with this key, or of this version of a model; without both a new one of the model."""
    from cycletrace.conventions import key_of

    state = runtime()
    if key is None and version is not None:
        key = key_of(model, version)
    if key is None:
        source = Source() if state is None else state.source
        key = new_key(model, source.now(), source.new_id()[:6])
    return Identity(
        key,
        namespace=settings.read().namespace if state is None else state.settings.namespace,
        model=model,
        version=version,
        domain=domain,
        trigger=trigger,
        environment=environment,
    )


@harmless
def identify_key(key: str) -> Identity:
    """The cycle with this key."""
    state = runtime()
    return from_key(key, settings.read().namespace if state is None else state.settings.namespace)


@harmless
def flush(timeout: float) -> bool:
    """Deliver now, for at most this many seconds."""
    state = runtime()
    return True if state is None else state.keep().deliver(timeout)


def configure(chosen: Mapping[str, Any]) -> None:
    """Begin anew with these settings.

    Raises:
        TypeError: where a span processor is neither processor nor exporter.
    """
    if "span_processors" in chosen:
        chosen = {**chosen, "span_processors": tuple(map(as_processor, chosen["span_processors"]))}
    settings.CHOSEN.update(chosen)
    reset()


@harmless
def environ() -> dict[str, str]:
    """The environment that hands the current cycle and stage over to a child process."""
    state = runtime()
    if state is None:
        return handover.environ(None, None)
    cycle = state.known_cycle()
    return handover.environ(cycle, None if cycle is None else state.enclosing_stage(cycle))
