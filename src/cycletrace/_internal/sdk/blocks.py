"""Blocks of code that work on a cycle: naming it, entering it, and continuing it elsewhere."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from cycletrace import conventions as c
from cycletrace._internal.diagnostics import never_raise
from cycletrace._internal.sdk import env_propagation, program, settings, spans
from cycletrace._internal.sdk.current import CURRENT, Context
from cycletrace._internal.sdk.cycles import CycleRef, from_key, from_text, new_key, shared_key
from cycletrace._internal.sdk.ids import Source
from cycletrace._internal.sdk.inherited import Inherited
from cycletrace._internal.sdk.runs import Contexts, swap
from cycletrace._internal.sdk.runtime import runtime

if TYPE_CHECKING:
    from cycletrace._internal.sdk.runtime import Runtime


class Block(NamedTuple):
    """An entered block of code: the context inside it, and the context around it."""

    inside: Context
    outside: Contexts


@never_raise
def identify(
    model: str,
    version: str | None = None,
    *,
    key: str | None = None,
    domain: str | None = None,
    trigger: str | None = None,
    environment: str | None = None,
) -> CycleRef:
    """Return the cycle with this key, or of this version of a model; without both, a new cycle of the model."""
    state = runtime()
    if key is None and version is not None:
        key = c.key_of(model, version)
    if key is None:
        key = _new_key(state, model)
    return CycleRef(
        key,
        namespace=_namespace(),
        model=model,
        version=version,
        domain=domain,
        trigger=trigger,
        environment=environment,
    )


_numbers: Counter[str] = Counter()
"""How many cycles of each model this process named. Ranks do the same work, so that they count alike."""


def _new_key(state: Runtime | None, model: str) -> str:
    if state is not None and state.world is not None:
        # A worker is either one of a rank's, which does work of its own, or a rank that the program itself started.
        is_rank = program.is_worker() if state.world.id is None else not program.is_worker()
        shared_id = state.shared_id if is_rank else None
        if shared_id is not None:
            _numbers[model] += 1
            return shared_key(model, shared_id, _numbers[model])
    source = Source() if state is None else state.source
    return new_key(model, source.now(), source.new_id()[-6:])


@never_raise
def identify_key(key: str) -> CycleRef:
    """Return the cycle with this key."""
    return from_key(key, _namespace())


def _namespace() -> str:
    state = runtime()
    return settings.read().namespace if state is None else state.settings.namespace


@never_raise
def known_cycle() -> CycleRef | None:
    """Return the current cycle, or ``None`` if there is none yet."""
    state = runtime()
    return None if state is None else state.known_cycle()


@never_raise
def enter_cycle(cycle: CycleRef) -> Block | None:
    """Make a cycle the current one for a block of code."""
    state = runtime()
    if state is None:
        return None
    around = CURRENT.get()
    inside = Context(cycle, around.run, around.attached)
    state.propagation.enter_cycle(inside, cycle)
    return Block(inside, swap(Contexts(inside, None)))


@never_raise
def leave_cycle(block: Block) -> None:
    """Return to the context in which the block was entered."""
    swap(block.outside)
    state = runtime()
    if state is not None:
        state.propagation.leave_cycle(block.inside)


def innermost(blocks: list[Block]) -> Block | None:
    """Remove and return the block that the calling code is in, else the latest."""
    here = CURRENT.get()
    for index in range(len(blocks) - 1, -1, -1):
        if blocks[index].inside is here:
            return blocks.pop(index)
    return blocks.pop() if blocks else None


@never_raise
def snapshot() -> tuple[str, str | None] | None:
    """Return the current cycle, as text, and the id of the enclosing stage."""
    state = runtime()
    cycle = None if state is None else state.known_cycle()
    if state is None or cycle is None:
        return None
    return cycle.to_text(), state.enclosing_stage(cycle)


@never_raise
def attach(text: str, stage: str | None) -> Block | None:
    """Restore a snapshot, perhaps in another thread or process."""
    state = runtime()
    if state is None:
        return None
    cycle = from_text(text, state.settings.namespace)
    run = None if stage is None else state.running.get(stage)
    inside = Context(cycle, run, Inherited(cycle, stage))
    otel = None
    if stage is not None and spans.becomes_current(state.settings.propagate):
        otel = None if run is None else run.inside.otel
        otel = otel or spans.remote_context(cycle.cycle_id, stage)
    return Block(inside, swap(Contexts(inside, otel)))


@never_raise
def detach(block: Block) -> None:
    """Return to the context in which the snapshot was attached."""
    swap(block.outside)


@never_raise
def environ() -> dict[str, str]:
    """Return the environment that passes the current cycle and stage to a child process."""
    state = runtime()
    cycle = None if state is None else state.known_cycle()
    if state is None or cycle is None:
        return env_propagation.environ(None, None)
    return env_propagation.environ(cycle, state.enclosing_stage(cycle))
