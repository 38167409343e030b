"""The facts as columns of numbers, filled in one pass: everything in a report is computed from them.

A row of :class:`CycleColumns` is a cycle. Rows of runs, steps, waits and owners exist only for cycles whose details a
report can need, so that a million cycles fit into memory.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

import numpy as np

from cycletrace import conventions as c
from cycletrace._internal.flow import Facts, StageFacts, WaitFacts, finish, hands_free, is_counted, is_manual
from cycletrace._internal.report.steps import manual_ns, taken_up_ns
from cycletrace._internal.report.sums import Bools, Codes, Int64s

NULL: Final = int(np.iinfo(np.int64).min)
"""Stands for ``None`` in columns of instants and lengths."""

_BOUND: Final = 1 << 62
"""Instants this far from 1970 (146 years) are not dates of a cycle; their differences would overflow."""
_CHUNK: Final = 50_000


@dataclass(frozen=True)
class CycleColumns:
    """A row per cycle. Codes index the lists of names in :class:`Columns`; lengths and instants are ns or NULL."""

    ids: list[str]
    namespace: Codes
    model: Codes
    domain: Codes
    trigger: Codes
    outcome: Codes
    """Index into ``CYCLE_OUTCOMES``."""
    is_counted: Bools
    mechanism: Codes
    """-1 where unknown, and without details."""
    hands_free: Codes
    """1, 0, or -1 where unknown, and without details."""
    finish: Int64s
    time: Int64s
    """The cycle time."""
    last: Int64s
    """Of an open cycle: the latest known instant."""
    manual: Int64s
    """The part of the cycle time that was the work of manual steps; 0 without details."""
    marks: Int64s
    """A column per mark, as in ``MARKS``."""
    parts: Int64s
    """A column per part, as in ``PARTS``."""
    activity: Int64s
    """A column per activity, as in ``ACTIVITIES``; 0 where the cycle time is unknown, and without details."""


@dataclass(frozen=True)
class RunColumns:
    """A row per run of a stage. ``cycle`` is the row of its cycle."""

    cycle: Codes
    name: Codes
    kind: Codes
    """Index into ``KINDS``."""
    outcome: Codes
    """Index into ``STAGE_OUTCOMES``, -1 while it runs."""
    actor: Codes
    """Index into ``ACTORS``."""
    launch: Codes
    """Index into ``LAUNCHES``."""
    length: Int64s
    """NULL while it runs, and where it ends before it starts."""


@dataclass(frozen=True)
class StepColumns:
    """A row per manual step."""

    cycle: Codes
    name: Codes
    actor: Codes
    launch: Codes
    person: Codes
    """-1 where nobody is named."""
    taken_up: Int64s
    """The time for which it waited for its person."""


@dataclass(frozen=True)
class WaitColumns:
    """A row per wait. ``reason`` is an index into ``REASONS``; ``length`` is as that of a run."""

    cycle: Codes
    reason: Codes
    length: Int64s


@dataclass(frozen=True)
class OwnerColumns:
    """A row per owner, those of a cycle next to each other."""

    cycle: Codes
    stage: Codes
    """-1 for waits of the cycle and for unexplained time."""
    activity: Codes
    """Index into ``ACTIVITIES``."""
    length: Int64s


@dataclass(frozen=True)
class Columns:
    """The facts as columns, and the names behind the codes."""

    cycles: CycleColumns
    runs: RunColumns
    steps: StepColumns
    waits: WaitColumns
    owners: OwnerColumns
    namespaces: list[str]
    models: list[str | None]
    domains: list[str | None]
    triggers: list[str]
    names: list[str]
    people: list[str]
    mechanisms: list[str]
    unreadable: int
    """Cycles left out because an instant is beyond :data:`_BOUND`."""


T = TypeVar("T")


class _Numbering(dict[T, int]):
    """Codes for names, numbered in the order in which the names come."""

    def __missing__(self, name: T) -> int:
        code = self[name] = len(self)
        return code


def _fixed_codes(names: Sequence[str]) -> dict[str | None, int]:
    return {None: -1, **{name: index for index, name in enumerate(names)}}


_OUTCOMES = _fixed_codes(c.CYCLE_OUTCOMES)
_KINDS = _fixed_codes(c.KINDS)
_RUN_OUTCOMES = _fixed_codes(c.STAGE_OUTCOMES)
_ACTORS = _fixed_codes(c.ACTORS)
_LAUNCHES = _fixed_codes(c.LAUNCHES)
_REASONS = _fixed_codes(c.REASONS)
_ACTIVITIES = _fixed_codes(c.ACTIVITIES)
_NO_ACTIVITY = dict.fromkeys(c.ACTIVITIES, 0)


class ColumnsBuilder:
    """Takes in the facts of cycles, each cycle once and in any order, and turns them into columns."""

    def __init__(self) -> None:
        self._ids: list[str] = []
        self._cycles = _Rows(8, 4 + len(c.MARKS) + len(c.PARTS) + len(c.ACTIVITIES))
        self._runs = _Rows(6, 1)
        self._steps = _Rows(5, 1)
        self._waits = _Rows(2, 1)
        self._owners = _Rows(3, 1)
        self._namespaces: _Numbering[str] = _Numbering()
        self._models: _Numbering[str | None] = _Numbering()
        self._domains: _Numbering[str | None] = _Numbering()
        self._triggers: _Numbering[str] = _Numbering()
        self._names: _Numbering[str] = _Numbering()
        self._people: _Numbering[str] = _Numbering()
        self._mechanisms: _Numbering[str] = _Numbering()
        self._unreadable = 0

    def add(self, facts: Facts, *, has_details: bool) -> bool:
        """Add a cycle, with rows for what happened in it where ``has_details``.

        Returns:
            False if the cycle is left out because its instants are out of bounds.
        """
        time, marks, parts = facts["cycle_time_ns"], facts["marks"], facts["parts_ns"]
        reached = [marks["started"], marks["trained"], marks["selected"], marks["deployed"], marks["in_use"]]
        instants = [instant for instant in reached if instant is not None] or [0]
        if has_details or facts["outcome"] == c.OPEN:
            instants += _instants(facts)
        last = max(instants)
        if last >= _BOUND or min(instants) <= -_BOUND or (time is not None and time >= _BOUND):
            self._unreadable += 1
            return False
        row = len(self._ids)
        self._ids.append(facts["cycle_id"])
        manual, is_hands_free, mechanism, activity = 0, None, None, _NO_ACTIVITY
        if has_details:
            manual = self._add_details(row, facts)
            is_hands_free = hands_free(facts)
            mechanism = _mechanism(facts)
            activity = facts["activity_ns"] or _NO_ACTIVITY
        lengths = [finish(facts), time, last, manual, *reached]
        lengths += parts["training"], parts["selection"], parts["deployment"], parts["activation"]
        self._cycles.flat += (
            self._namespaces[facts["namespace"]],
            self._models[facts["model"]],
            self._domains[facts["domain"]],
            self._triggers[facts["trigger"]],
            _OUTCOMES[facts["outcome"]],
            is_counted(facts),
            -1 if mechanism is None else self._mechanisms[mechanism],
            -1 if is_hands_free is None else is_hands_free,
            *[NULL if length is None else length for length in lengths],
            *[activity[name] for name in c.ACTIVITIES],
        )
        for rows in (self._cycles, self._runs, self._steps, self._waits, self._owners):
            rows.pack_if_full()
        return True

    def _add_details(self, row: int, facts: Facts) -> int:
        """Add rows for what happened in the cycle. Return how much time (ns) was the work of manual steps."""
        names, runs, waits, owners = self._names, self._runs.flat, self._waits.flat, self._owners.flat
        for stage in facts["stages"]:
            runs += (
                row,
                names[stage["name"]],
                _KINDS[stage["kind"]],
                _RUN_OUTCOMES[stage["outcome"]],
                _ACTORS[stage["actor"]],
                _LAUNCHES[stage["launch"]],
                _length(stage["start"], stage["end"]),
            )
        for wait in facts["waits"]:
            waits += (row, _REASONS[wait["reason"]], _length(wait["start"], wait["end"]))
        for owner in facts["owners"]:
            name = owner["stage"]
            owners += (
                row,
                -1 if name is None else names[name],
                _ACTIVITIES[owner["activity"]],
                owner["end"] - owner["start"],
            )
        manual = [stage for stage in facts["stages"] if is_manual(stage)]
        if not manual:
            return 0
        taken_up = taken_up_ns(facts)
        for stage in manual:
            person = stage["person"]
            self._steps.flat += (
                row,
                names[stage["name"]],
                _ACTORS[stage["actor"]],
                _LAUNCHES[stage["launch"]],
                -1 if person is None else self._people[person],
                taken_up[stage["id"]],
            )
        return manual_ns(facts)

    def columns(self) -> Columns:
        """Return all that was added. To be called once."""
        codes, lengths = self._cycles.columns()
        marks_end = 4 + len(c.MARKS)
        parts_end = marks_end + len(c.PARTS)
        cycles = CycleColumns(
            ids=self._ids,
            namespace=codes[0],
            model=codes[1],
            domain=codes[2],
            trigger=codes[3],
            outcome=codes[4],
            is_counted=codes[5] != 0,
            mechanism=codes[6],
            hands_free=codes[7],
            finish=lengths[0],
            time=lengths[1],
            last=lengths[2],
            manual=lengths[3],
            marks=lengths[4:marks_end].T,
            parts=lengths[marks_end:parts_end].T,
            activity=lengths[parts_end:].T,
        )
        runs, run_lengths = self._runs.columns()
        steps, taken_up = self._steps.columns()
        waits, wait_lengths = self._waits.columns()
        owners, owner_lengths = self._owners.columns()
        return Columns(
            cycles=cycles,
            runs=RunColumns(runs[0], runs[1], runs[2], runs[3], runs[4], runs[5], run_lengths[0]),
            steps=StepColumns(steps[0], steps[1], steps[2], steps[3], steps[4], taken_up[0]),
            waits=WaitColumns(waits[0], waits[1], wait_lengths[0]),
            owners=OwnerColumns(owners[0], owners[1], owners[2], owner_lengths[0]),
            namespaces=list(self._namespaces),
            models=list(self._models),
            domains=list(self._domains),
            triggers=list(self._triggers),
            names=list(self._names),
            people=list(self._people),
            mechanisms=list(self._mechanisms),
            unreadable=self._unreadable,
        )


def _length(start: int, end: int | None) -> int:
    return NULL if end is None or end < start else end - start


def _instants(facts: Facts) -> list[int]:
    """Return all instants of stages and waits."""
    intervals: list[StageFacts | WaitFacts] = [*facts["stages"], *facts["waits"]]
    starts = [interval["start"] for interval in intervals]
    return starts + [interval["end"] for interval in intervals if interval["end"] is not None]


def _mechanism(facts: Facts) -> str | None:
    """Return the mechanism of the last successful stage that states one; ``activate`` stages come first."""
    stated = [
        (stage["kind"] == "activate", stage["start"], stage["id"], stage["mechanism"])
        for stage in facts["stages"]
        if stage["mechanism"] is not None and stage["outcome"] in c.SUCCESSES
    ]
    return max(stated)[-1] if stated else None


class _Rows:
    """Rows of some codes and some lengths, collected in a flat list and packed into arrays chunk by chunk.

    The packed arrays are those of the standard library: they grow in place, so that memory never holds a million rows
    twice.
    """

    def __init__(self, codes: int, lengths: int) -> None:
        self.flat: list[int] = []
        self._codes, self._width = codes, codes + lengths
        self._packed_codes = array("i")
        self._packed_lengths = array("q")

    def pack_if_full(self) -> None:
        """Pack the rows once there are many; ``flat`` is a new list afterwards."""
        if len(self.flat) >= _CHUNK:
            self._pack()

    def _pack(self) -> None:
        rows = np.array(self.flat, dtype=np.int64).reshape(-1, self._width)
        self._packed_codes.frombytes(rows[:, : self._codes].astype(np.int32).tobytes())
        self._packed_lengths.frombytes(rows[:, self._codes :].tobytes())
        self.flat = []

    def columns(self) -> tuple[Codes, Int64s]:
        """Return the codes and the lengths, transposed: one row per column."""
        self._pack()
        codes = np.frombuffer(self._packed_codes, dtype=np.int32).reshape(-1, self._codes)
        lengths = np.frombuffer(self._packed_lengths, dtype=np.int64).reshape(-1, self._width - self._codes)
        return codes.T, lengths.T
