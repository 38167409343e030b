"""The status of an open cycle: what it waits for, what runs, or what was done last."""

from __future__ import annotations

from dataclasses import dataclass

from cycletrace._internal.flow.facts import Facts
from cycletrace.conventions import ABANDONED, CANCELLED, ERROR, INTERRUPTED, LOST, TIMEOUT

FAILURES = {
    ERROR: "failed",
    TIMEOUT: "timed out",
    INTERRUPTED: "was interrupted",
    CANCELLED: "was cancelled",
    ABANDONED: "was abandoned",
    LOST: "was lost",
}
"""The outcomes of a stage that are no success, in words."""


@dataclass(frozen=True)
class Status:
    """What goes on in an open cycle; of several things, the one that began last."""

    state: str
    """``waiting``, ``running`` or ``idle after``."""
    what: str | None
    """The reason of the wait, or the name of the stage; ``None`` where nothing is known."""
    since: int | None
    """UTC nanoseconds; ``None`` where nothing is known."""
    outcome: str | None = None
    """Of the stage that was done last, if it is no success."""


def status(facts: Facts) -> Status:
    """Return the status of a cycle."""
    waits = [(wait["start"], wait["reason"]) for wait in facts["waits"] if wait["end"] is None]
    if waits:
        since, reason = max(waits)
        return Status("waiting", reason, since)
    running = [(stage["start"], stage["name"]) for stage in facts["stages"] if stage["end"] is None]
    if running:
        since, name = max(running)
        return Status("running", name, since)
    ended = [
        (stage["end"], stage["name"], outcome if (outcome := stage["outcome"]) in FAILURES else "")
        for stage in facts["stages"]
        if stage["end"] is not None
    ]
    if ended:
        since, name, outcome = max(ended)
        return Status("idle after", name, since, outcome or None)
    return Status("idle after", None, None)
