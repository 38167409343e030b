"""What the face calls. Whatever goes wrong in here is logged, and the program goes on without a record (rule 1)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from cycletrace.conventions import key_of
from cycletrace.diagnostics import Misuse, describe_error, log_once, never_raise, warn_misuse
from cycletrace.emit import handover, settings, words
from cycletrace.emit.current import HERE, Here
from cycletrace.emit.cycles import Identity, from_key, from_text, new_key
from cycletrace.emit.ids import Source
from cycletrace.emit.inherited import Inherited
from cycletrace.emit.processors import as_processor
from cycletrace.emit.runs import Position, Run, Terms, stage_context, swap
from cycletrace.emit.runtime import reset, runtime
from cycletrace.emit.waits import OpenWait


def begin(terms: Terms, cycle: Identity | None, attributes: Mapping[str, Any] | None = None) -> Run | None:
    """Start a run of a stage, not yet the current one. ``None`` where cycletrace is disabled."""
    try:  # not by the decorator: this is the way of every stage
        state = runtime()
        if state is None:
            return None
        return Run(state, terms, state.here_cycle() if cycle is None else cycle, attributes)
    except Misuse:
        raise
    except Exception as error:
        log_once(f"A stage was not recorded: {describe_error(error)}")
        return None


@never_raise
def go(position: Position) -> Position:
    """Go to a position, and say from where."""
    return swap(position)


@never_raise
def open_wait(reason: str, by: str | None, cycle: Identity | None, run: Run | None) -> OpenWait | None:
    """Open a wait of this run, else of this cycle, else of where the code is."""
    state = runtime()
    if state is None:
        return None
    if run is not None:
        return OpenWait(state, run.cycle, reason, by, run.id)
    if cycle is not None:
        return OpenWait(state, cycle, reason, by, None)
    cycle = state.here_cycle()
    return OpenWait(state, cycle, reason, by, state.enclosing_stage(cycle))


@never_raise
def close_wait(wait: OpenWait) -> None:
    """Close a wait."""
    wait.end()


class Block(NamedTuple):
    """A block of code that was entered: where its code is, and where it was entered."""

    inside: Here
    outside: Position


@never_raise
def enter_cycle(cycle: Identity) -> Block | None:
    """Make a cycle the current one for a block of code."""
    state = runtime()
    if state is None:
        return None
    around = HERE.get()
    inside = Here(cycle, around.run, around.attached)
    state.handover.enter_cycle(inside, cycle)
    return Block(inside, swap(Position(inside, None)))


@never_raise
def leave_cycle(block: Block) -> None:
    """Go back to where that block was entered."""
    swap(block.outside)
    state = runtime()
    if state is not None:
        state.handover.leave_cycle(block.inside)


def innermost(blocks: list[Block]) -> Block | None:
    """Take the block that the calling code is in from these, whoever else entered them; else the latest."""
    here = HERE.get()
    for index in range(len(blocks) - 1, -1, -1):
        if blocks[index].inside is here:
            return blocks.pop(index)
    return blocks.pop() if blocks else None


@never_raise
def snapshot() -> tuple[str, str | None] | None:
    """The cycle that the code runs in, as text, and the id of the stage that it is inside of."""
    state = runtime()
    cycle = None if state is None else state.known_cycle()
    if state is None or cycle is None:
        return None
    return cycle.to_text(), state.enclosing_stage(cycle)


@never_raise
def attach(text: str, stage: str | None) -> Block | None:
    """Go on where a snapshot was taken, maybe in another thread or process."""
    state = runtime()
    if state is None:
        return None
    cycle = from_text(text, state.settings.namespace)
    run = None if stage is None else state.running.get(stage)
    inside = Here(cycle, run, Inherited(cycle, stage))
    otel = None
    if stage is not None and state.settings.is_propagating:
        otel = stage_context(cycle, stage, run)
    return Block(inside, swap(Position(inside, otel)))


@never_raise
def detach(block: Block) -> None:
    """Go back to where that was attached."""
    swap(block.outside)


@never_raise
def mark(
    cycle: Identity | None, name: str, at: int | None, environment: str | None = None, mechanism: str | None = None
) -> None:
    """Say that this cycle, else the current one, reached a mark."""
    state = runtime()
    if state is not None:
        words.mark(state, cycle or state.here_cycle(), name, at, environment=environment, mechanism=mechanism)


@never_raise
def alias(cycle: Identity, key: str) -> None:
    """Say that this key, too, is of this cycle."""
    state = runtime()
    if state is not None:
        words.alias(state, cycle, key)


@never_raise
def close(cycle: Identity, outcome: str, at: int | None) -> None:
    """Say how this cycle ended."""
    state = runtime()
    if state is not None:
        words.close(state, cycle, outcome, at)


@never_raise
def known_cycle() -> Identity | None:
    """The cycle that the code runs in, as far as one is known."""
    state = runtime()
    return None if state is None else state.known_cycle()


@never_raise
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
        cycle = Identity(key_of(model, version), namespace=namespace, model=model, version=version)
    else:
        cycle = state.here_cycle()
        if model is not None and cycle.words["model"] != model:
            warn_misuse("served(%r) needs a version or a key, since no cycle of that model runs here.", model)
            return
    words.mark(state, cycle, "in_use", at, environment=environment, mechanism=mechanism)


@never_raise
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
    state = runtime()
    if key is None and version is not None:
        key = key_of(model, version)
    if key is None:
        source = Source() if state is None else state.source
        key = new_key(model, source.now(), source.new_id()[-6:])
    return Identity(
        key,
        namespace=settings.read().namespace if state is None else state.settings.namespace,
        model=model,
        version=version,
        domain=domain,
        trigger=trigger,
        environment=environment,
    )


@never_raise
def identify_key(key: str) -> Identity:
    """Return the cycle with this key."""
    state = runtime()
    return from_key(key, settings.read().namespace if state is None else state.settings.namespace)


@never_raise
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


@never_raise
def environ() -> dict[str, str]:
    """The environment that hands the current cycle and stage over to a child process."""
    state = runtime()
    if state is None:
        return handover.environ(None, None)
    cycle = state.known_cycle()
    return handover.environ(cycle, None if cycle is None else state.enclosing_stage(cycle))
