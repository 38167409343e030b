"""Where an open cycle stands: what it waits for, what runs, or what was done last."""

from __future__ import annotations

from dataclasses import dataclass

from cycletrace.flow.facts import Facts


@dataclass(frozen=True)
class Standing:
    """``state`` is ``waiting`` (``what`` is the reason), ``running`` or ``idle after`` (``what`` is the stage).

    Of several, what began last. ``since`` is its instant (UTC ns); ``what`` and ``since`` are ``None`` where nothing
    is known.
    """

    state: str
    what: str | None
    since: int | None


def standing(facts: Facts) -> Standing:
    """Where a cycle stands, from its facts."""
    waits = [(wait["start"], wait["reason"]) for wait in facts["waits"] if wait["end"] is None]
    if waits:
        since, reason = max(waits)
        return Standing("waiting", reason, since)
    running = [(stage["start"], stage["name"]) for stage in facts["stages"] if stage["end"] is None]
    if running:
        since, name = max(running)
        return Standing("running", name, since)
    ended = [(stage["end"], stage["name"]) for stage in facts["stages"] if stage["end"] is not None]
    if ended:
        since, name = max(ended)
        return Standing("idle after", name, since)
    return Standing("idle after", None, None)
