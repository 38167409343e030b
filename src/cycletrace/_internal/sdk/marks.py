"""Declarations about a cycle: marks, aliases, outcomes. They are short spans, so that traces alone suffice.

Each function applies to the given cycle, else to the current one. None raises outside strict mode.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from cycletrace import conventions as c
from cycletrace._internal.diagnostics import never_raise, warn_misuse
from cycletrace._internal.sdk.cycles import CycleRef, clean, from_key
from cycletrace._internal.sdk.runtime import runtime

if TYPE_CHECKING:
    from cycletrace._internal.sdk.runtime import Runtime


@never_raise
def mark(
    cycle: CycleRef | None,
    name: str,
    at: int | None = None,
    *,
    environment: str | None = None,
    mechanism: str | None = None,
) -> None:
    """Record that a cycle reached a mark, now or at an instant (UTC nanoseconds)."""
    state = runtime()
    if state is None:
        return
    if name not in c.MARKS:
        warn_misuse("The mark must be one of %s, got %r. It is ignored.", ", ".join(c.MARKS), name)
        return
    if mechanism is not None and mechanism not in c.MECHANISMS:
        warn_misuse("The mechanism must be one of %s, got %r. It is ignored.", ", ".join(c.MECHANISMS), mechanism)
        mechanism = None
    cycle = cycle or state.here_cycle()
    environment = environment or cycle.environment
    attributes = {c.MARK_NAME: name}
    if environment:
        attributes[c.ENVIRONMENT] = clean(environment)
    if mechanism:
        attributes[c.MECHANISM] = mechanism
    write_short(state, cycle, c.mark_span(name), attributes, at)


@never_raise
def served(
    model: str | None,
    version: str | None,
    key: str | None,
    mechanism: str | None,
    environment: str | None,
    at: int | None,
) -> None:
    """Record that a prediction of a version was served to a consumer, now or at an instant (UTC nanoseconds)."""
    state = runtime()
    if state is None:
        return
    namespace = state.settings.namespace
    if key is not None:
        cycle = from_key(key, namespace)
    elif model is not None and version is not None:
        cycle = CycleRef(c.key_of(model, version), namespace=namespace, model=model, version=version)
    else:
        cycle = state.here_cycle()
        if model is not None and cycle.words["model"] != model:
            warn_misuse("served(%r) needs a version or a key, since the current cycle is not of that model.", model)
            return
    mark(cycle, c.IN_USE, at, environment=environment, mechanism=mechanism)


@never_raise
def alias(cycle: CycleRef, key: str) -> None:
    """Record another key of this cycle."""
    state = runtime()
    if state is None:
        return
    if not key:
        warn_misuse("An alias must not be empty. It is ignored.")
        return
    from cycletrace._internal.sdk.started import note_alias

    write_alias(state, cycle, clean(key))
    note_alias(cycle, clean(key))


def write_alias(runtime: Runtime, cycle: CycleRef, key: str) -> None:
    """Write the record of another key of this cycle."""
    write_short(runtime, cycle, c.ALIAS_SPAN, {c.ALIAS_KEY: key})


@never_raise
def close(cycle: CycleRef, outcome: str, at: int | None = None) -> None:
    """Record how a cycle ended, now or at an instant (UTC nanoseconds)."""
    state = runtime()
    if state is None:
        return
    if outcome not in c.DECLARED_OUTCOMES:
        warn_misuse("The outcome must be one of %s, got %r. It is ignored.", ", ".join(c.DECLARED_OUTCOMES), outcome)
        return
    write_short(state, cycle, c.CLOSE_SPAN, {c.CYCLE_OUTCOME: outcome}, at)


def write_short(
    runtime: Runtime,
    cycle: CycleRef,
    name: str,
    attributes: Mapping[str, Any],
    at: int | None = None,
    parent: str | None = None,
    error: str | None = None,
) -> None:
    """Write what has an instant and no length, now or at an instant (UTC nanoseconds)."""
    instant = runtime.source.now() if at is None else at
    span_id = runtime.source.new_id()
    runtime.write_span(cycle, name, span_id, instant, instant + c.SHORT_NS, attributes, parent, error)
