"""The records that a fold takes, as plain values.

All instants are UTC integer nanoseconds since the epoch. Records of one stage or wait share its id; nothing
else identifies anything. A record never refers to another by time.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple


class RecordOrigin(NamedTuple):
    """The cycle that a record belongs to, as far as the record states it; ``None`` where it does not."""

    cycle_id: str
    key: str | None = None
    namespace: str | None = None
    model: str | None = None
    domain: str | None = None
    version: str | None = None
    trigger: str | None = None
    implicit: bool = False


class Stage(NamedTuple):
    """A run of a stage; without an ``end``, the start of one.

    A start may promise a ``lease``: the seconds after its latest sign of life for which silence proves nothing.
    """

    origin: RecordOrigin
    id: str
    name: str
    kind: str
    start: int
    end: int | None = None
    outcome: str | None = None
    attempt: int | None = None
    actor: str = "automation"
    person: str | None = None
    launch: str = "other"
    environment: str | None = None
    parent: str | None = None
    mechanism: str | None = None
    lease: int | None = None
    is_begin: bool = False
    """Whether it is a begin that was recorded by itself, which an :class:`End` may end. It has no ``end``."""


class Heartbeat(NamedTuple):
    """A sign that a stage still runs."""

    origin: RecordOrigin
    stage: str
    at: int
    lease: int | None = None


class Wait(NamedTuple):
    """A time in which a stage, or the cycle as a whole, stands still. Without an ``end``: opened."""

    origin: RecordOrigin
    id: str
    reason: str
    start: int
    end: int | None = None
    stage: str | None = None
    is_begin: bool = False
    """Whether it is a begin that was recorded by itself, which an :class:`End` may end. It has no ``end``."""
    is_summed: bool = False
    """Whether its length alone means something: what its stage waited in all, for this reason, bit by bit."""


class End(NamedTuple):
    """The end of a stage or wait that was recorded by itself, where nobody knew which begin it ends."""

    origin: RecordOrigin
    id: str
    at: int
    name: str
    """The name of the stage, or the reason of the wait."""
    is_wait: bool = False
    outcome: str | None = None
    attempt: int | None = None
    """If stated, only a begin of this attempt is meant. The same goes for ``environment``."""
    environment: str | None = None
    mechanism: str | None = None


class Mark(NamedTuple):
    """A declaration that the cycle reached a mark."""

    origin: RecordOrigin
    name: str
    at: int
    environment: str | None = None
    mechanism: str | None = None
    id: str | None = None


class Alias(NamedTuple):
    """A declaration that another key, whose id is ``alias_id``, is of the same cycle."""

    origin: RecordOrigin
    key: str
    alias_id: str
    at: int
    id: str | None = None


class Close(NamedTuple):
    """A declaration of how the cycle ended."""

    origin: RecordOrigin
    outcome: str
    at: int
    id: str | None = None


class Retraction(NamedTuple):
    """A declaration that the records with an id were a mistake. It cannot be retracted itself."""

    origin: RecordOrigin
    target: str
    at: int


Record = Stage | Heartbeat | Wait | Mark | Alias | Close | End | Retraction


def began(record: Record) -> int:
    """Return the instant at which a record begins."""
    return record.start if isinstance(record, (Stage, Wait)) else record.at


def cut(record: Record, at: int) -> Record | None:
    """Return a record as it was known at an instant: what begins later is not there, what ends later has not ended.

    Source: the specification, rule 2.3.
    """
    if not isinstance(record, (Stage, Wait)):
        return record if record.at <= at else None
    if record.start > at:
        return None
    if record.end is None or record.end <= at:
        return record
    return record._replace(end=None, outcome=None) if isinstance(record, Stage) else record._replace(end=None)


def first_after(record: Record, at: int) -> int:
    """Return the first instant of a record that lies after another, which :func:`cut` must have cut off."""
    begin = began(record)
    if begin > at:
        return begin
    assert isinstance(record, (Stage, Wait))
    assert record.end is not None
    return record.end


def retracted(records: Iterable[Record], at: int) -> set[str]:
    """Return the ids that these records, known at an instant, retract."""
    return {record.target for record in records if isinstance(record, Retraction) and record.at <= at}


def ids_of(record: Record) -> tuple[str | None, ...]:
    """Return the ids whose retraction removes a record: its own, and that of the stage that it is about.

    Aliases are not among them: whether they stand is decided before it is known which records are of one cycle.
    """
    if isinstance(record, (Alias, Retraction)):
        return ()
    if isinstance(record, Heartbeat):
        return (record.stage,)
    return (record.id, record.stage) if isinstance(record, Wait) else (record.id,)
