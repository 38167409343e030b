"""The facts of a cycle: the shape of a line of ``cycletrace facts``.

Instants are UTC integer nanoseconds, lengths integer nanoseconds. Every metric, table and picture is made
from these values and from nothing else.
"""

from __future__ import annotations

from typing import TypedDict, cast

from cycletrace.conventions import ACTIVITIES, MARKS, PARTS


class Marks(TypedDict):
    """When each mark was reached, or ``None``."""

    started: int | None
    trained: int | None
    selected: int | None
    deployed: int | None
    in_use: int | None


class Parts(TypedDict):
    """Lengths of the parts. The first three add up to the cycle time wherever all three are known."""

    training: int | None
    selection: int | None
    deployment: int | None
    activation: int | None


class Owner(TypedDict):
    """A stretch of the cycle and what owns it. ``stage`` is the stage's name."""

    stage: str | None
    kind: str | None
    activity: str
    start: int
    end: int


class StageFacts(TypedDict):
    """One run of a stage. ``outcome`` and ``end`` are ``None`` while it runs; ``parent`` is a stage's id."""

    id: str
    name: str
    kind: str
    part: str | None
    attempt: int
    outcome: str | None
    actor: str
    person: str | None
    launch: str
    environment: str | None
    parent: str | None
    mechanism: str | None
    start: int
    end: int | None


class WaitFacts(TypedDict):
    """One wait. ``stage`` is the id of the stage that stood still, ``None`` for the cycle as a whole."""

    id: str
    reason: str
    stage: str | None
    start: int
    end: int | None


class Facts(TypedDict):
    """All that is known of one cycle at one instant."""

    cycle_id: str
    key: str | None
    namespace: str
    model: str | None
    domain: str | None
    version: str | None
    trigger: str
    implicit: bool
    outcome: str
    marks: Marks
    derived: list[str]
    cycle_time_ns: int | None
    parts_ns: Parts
    activity_ns: dict[str, int] | None
    owners: list[Owner]
    stages: list[StageFacts]
    waits: list[WaitFacts]
    flags: dict[str, int]


def complete(facts: Facts) -> Facts:
    """Add to facts that an older vocabulary made the words that it lacks, in place, and return them.

    A mark or part that was unknown then is unknown; an activity took no time.
    """
    if len(facts["marks"]) < len(MARKS):
        facts["marks"] = cast("Marks", {**dict.fromkeys(MARKS), **facts["marks"]})
    if len(facts["parts_ns"]) < len(PARTS):
        facts["parts_ns"] = cast("Parts", {**dict.fromkeys(PARTS), **facts["parts_ns"]})
    lengths = facts["activity_ns"]
    if lengths is not None and len(lengths) < len(ACTIVITIES):
        facts["activity_ns"] = {**dict.fromkeys(ACTIVITIES, 0), **lengths}
    return facts
