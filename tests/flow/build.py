"""Records in small units, written as a reader would say them, and facts in the short form that tests compare.

Instants are nanoseconds; the small rules make 2 of them the tolerance and 100 the settle period, so that
expectations can be worked out by hand.
"""

from __future__ import annotations

from collections.abc import Sequence

from cycletrace._internal.flow import (
    Alias,
    Close,
    End,
    Facts,
    Heartbeat,
    Mark,
    Record,
    RecordOrigin,
    Retraction,
    Rules,
    Stage,
    Wait,
    facts_of,
)
from cycletrace.conventions import KINDS, MARKS

SMALL = Rules(tolerance=2, settle=100)
CYCLE = "cc"


def of(
    cycle: str = CYCLE,
    *,
    key: str | None = None,
    namespace: str | None = None,
    model: str | None = None,
    domain: str | None = None,
    version: str | None = None,
    trigger: str | None = None,
    implicit: bool = False,
) -> RecordOrigin:
    """Whose record it is."""
    return RecordOrigin(cycle, key, namespace, model, domain, version, trigger, implicit)


ORIGIN = of()


def stage(
    name: str,
    start: int,
    end: int | None = None,
    outcome: str = "ok",
    *,
    origin: RecordOrigin = ORIGIN,
    id: str | None = None,  # noqa: A002 -- the field's own name
    kind: str | None = None,
    attempt: int | None = None,
    actor: str = "automation",
    person: str | None = None,
    launch: str = "other",
    environment: str | None = None,
    parent: str | None = None,
    mechanism: str | None = None,
    lease: int | None = None,
    is_begin: bool = False,
) -> Record:
    """A run of a stage, or without an end its start; its id is its name, its kind is by name, else other."""
    return Stage(
        origin=origin,
        id=name if id is None else id,
        name=name,
        kind=kind or (name if name in KINDS else "other"),
        start=start,
        end=end,
        outcome=None if end is None else outcome,
        attempt=attempt,
        actor=actor,
        person=person,
        launch=launch,
        environment=environment,
        parent=parent,
        mechanism=mechanism,
        lease=lease,
        is_begin=is_begin,
    )


def wait(
    reason: str,
    start: int,
    end: int | None = None,
    *,
    stage: str | None = None,
    id: str | None = None,  # noqa: A002 -- the field's own name
    origin: RecordOrigin = ORIGIN,
    is_begin: bool = False,
    is_summed: bool = False,
) -> Record:
    """A wait, or without an end an opened one; its id is its reason."""
    return Wait(origin, reason if id is None else id, reason, start, end, stage, is_begin, is_summed)


def begin(name: str, start: int, id: str, *, attempt: int | None = None, environment: str | None = None) -> Record:  # noqa: A002
    """A begin of a stage that was recorded by itself."""
    return stage(name, start, id=id, attempt=attempt, environment=environment, is_begin=True)


def end(
    name: str,
    at: int,
    outcome: str = "ok",
    *,
    id: str | None = None,  # noqa: A002 -- the field's own name
    attempt: int | None = None,
    environment: str | None = None,
    mechanism: str | None = None,
) -> Record:
    """An end of a stage that was recorded by itself; its id is of its name and instant."""
    return End(ORIGIN, id or f"end {name} {at}", at, name, False, outcome, attempt, environment, mechanism)


def end_wait(reason: str, at: int) -> Record:
    """An end of a wait that was recorded by itself."""
    return End(ORIGIN, f"end {reason} {at}", at, reason, is_wait=True)


def retraction(target: str, at: int, *, origin: RecordOrigin = ORIGIN) -> Record:
    return Retraction(origin, target, at)


def mark(
    name: str,
    at: int,
    environment: str | None = None,
    *,
    id: str | None = None,  # noqa: A002 -- the field's own name
    origin: RecordOrigin = ORIGIN,
) -> Record:
    return Mark(origin, name, at, environment, id=id)


def close(outcome: str, at: int, *, id: str | None = None, origin: RecordOrigin = ORIGIN) -> Record:  # noqa: A002
    return Close(origin, outcome, at, id)


def beat(stage: str, at: int, lease: int | None = None, *, origin: RecordOrigin = ORIGIN) -> Record:
    return Heartbeat(origin, stage, at, lease)


def alias(alias_id: str, at: int, *, id: str | None = None, origin: RecordOrigin = ORIGIN) -> Record:  # noqa: A002
    return Alias(origin, f"key of {alias_id}", alias_id, at, id)


def facts(*records: Record, at: int = 1000, rules: Rules = SMALL) -> Facts:
    """The facts of the one cycle that these records make."""
    (only,) = facts_of(records, at, rules)
    return only


def marks(facts: Facts) -> list[int | None]:
    """started, trained, selected, deployed, in_use."""
    return [facts["marks"][name] for name in MARKS]


def parts(facts: Facts) -> list[int | None]:
    """training, selection, deployment, activation."""
    folded = facts["parts_ns"]
    return [folded["training"], folded["selection"], folded["deployment"], folded["activation"]]


def owners(facts: Facts) -> list[tuple[str | None, str, int, int]]:
    """Stage name, activity, start, end of each owner."""
    return [(owner["stage"], owner["activity"], owner["start"], owner["end"]) for owner in facts["owners"]]


def runs(facts: Facts) -> list[tuple[str, str | None, int, int | None]]:
    """Id, outcome, start, end of each stage."""
    return [(run["id"], run["outcome"], run["start"], run["end"]) for run in facts["stages"]]


def waits(facts: Facts) -> list[tuple[str, str | None, int, int | None]]:
    """Id, stage, start, end of each wait."""
    return [(one["id"], one["stage"], one["start"], one["end"]) for one in facts["waits"]]


def activities(facts: Facts) -> dict[str, int] | None:
    """The activities that have any time."""
    folded = facts["activity_ns"]
    return None if folded is None else {name: length for name, length in folded.items() if length}


def stages(rows: Sequence[tuple[str, int, int | None]]) -> list[Record]:
    """Several runs of stages at once: name, start, end."""
    return [stage(name, start, end) for name, start, end in rows]
