"""What somebody says of a cycle: marks, aliases, outcomes. Zero-length spans, so that traces alone lose no figure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cycletrace import conventions as c
from cycletrace.diagnostics import warn_misuse
from cycletrace.emit.cycles import clean

if TYPE_CHECKING:
    from cycletrace.emit.cycles import Identity
    from cycletrace.emit.runtime import Runtime


def mark(
    runtime: Runtime,
    cycle: Identity,
    name: str,
    at: int | None = None,
    *,
    environment: str | None = None,
    mechanism: str | None = None,
) -> None:
    """Say that this cycle reached a mark, now or at an instant (UTC nanoseconds)."""
    if name not in c.MARKS:
        warn_misuse("The mark %r is none of: %s. It is left out.", name, ", ".join(c.MARKS))
        return
    if mechanism is not None and mechanism not in c.MECHANISMS:
        warn_misuse("The mechanism %r is none of: %s. It is left out.", mechanism, ", ".join(c.MECHANISMS))
        mechanism = None
    environment = environment or cycle.environment
    attributes = {c.MARK_NAME: name}
    if environment:
        attributes[c.ENVIRONMENT] = clean(environment)
    if mechanism:
        attributes[c.MECHANISM] = mechanism
    _say(runtime, cycle, c.mark_span(name), attributes, at)


def alias(runtime: Runtime, cycle: Identity, key: str) -> None:
    """Say that this key, too, is of this cycle."""
    if not key:
        warn_misuse("An alias needs at least one character. It is left out.")
        return
    _say(runtime, cycle, c.ALIAS_SPAN, {c.ALIAS_KEY: clean(key)})


def close(runtime: Runtime, cycle: Identity, outcome: str, at: int | None = None) -> None:
    """Say how this cycle ended."""
    if outcome not in c.SAID_OUTCOMES:
        warn_misuse("The outcome %r is none of: %s. It is left out.", outcome, ", ".join(c.SAID_OUTCOMES))
        return
    _say(runtime, cycle, c.CLOSE_SPAN, {c.CYCLE_OUTCOME: outcome}, at)


def _say(runtime: Runtime, cycle: Identity, name: str, attributes: dict[str, str], at: int | None = None) -> None:
    instant = runtime.source.now() if at is None else at
    runtime.write_span(cycle, name, runtime.source.new_id(), instant, instant, attributes)
