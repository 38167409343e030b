"""One pass over the facts that reduces them to columns of numbers; everything else is computed from these."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Sequence
from typing import Final, TypeVar

import numpy as np

from cycletrace.conventions import (
    ACTIVITIES,
    ACTORS,
    CYCLE_OUTCOMES,
    KINDS,
    LAUNCHES,
    MARKS,
    OPEN,
    PARTS,
    REASONS,
    STAGE_OUTCOMES,
    SUCCESSES,
)
from cycletrace.flow import Facts, StageFacts, WaitFacts, finish, hands_free, is_counted, is_manual
from cycletrace.report.columns import NULL, Codes, Cycles, Owned, Runs, Steps, Table, Waits
from cycletrace.report.steps import manual_ns, taken_up_ns
from cycletrace.report.sums import Int64s

_BOUND: Final = 1 << 62
"""Instants this far from 1970 (146 years) are no dates of a model's cycle; their differences would overflow."""
_CHUNK: Final = 50_000


Name = TypeVar("Name")


class Names(dict[Name, int]):
    """Numbers for names, given as they come."""

    def __missing__(self, name: Name) -> int:
        code = self[name] = len(self)
        return code


def _codes(words: Sequence[str]) -> dict[str | None, int]:
    return {None: -1, **{word: index for index, word in enumerate(words)}}


_OUTCOMES = _codes(CYCLE_OUTCOMES)
_KINDS = _codes(KINDS)
_RUN_OUTCOMES = _codes(STAGE_OUTCOMES)
_ACTORS = _codes(ACTORS)
_LAUNCHES = _codes(LAUNCHES)
_REASONS = _codes(REASONS)
_ACTIVITY_CODES = _codes(ACTIVITIES)
_NO_ACTIVITY = dict.fromkeys(ACTIVITIES, 0)


def table_of(
    facts: Iterable[Facts],
    has_details: Callable[[Facts], bool] = lambda _: True,
    visit: Callable[[Facts, bool], None] = lambda _, __: None,
) -> Table:
    """The facts of cycles, each once, in any order, as columns.

    ``has_details`` says of which cycles the table has rows on what happened in them; ``visit`` sees each on the way,
    with what that said.
    """
    reduction = _Reduction()
    for one in facts:
        is_detailed = has_details(one)
        if reduction.add(one, is_detailed):
            visit(one, is_detailed)
    return reduction.table()


class _Reduction:
    """Rows as they come, turned into arrays chunk by chunk."""

    def __init__(self) -> None:
        self._ids: list[str] = []
        self._cycles = _Rows(8, 4 + len(MARKS) + len(PARTS) + len(ACTIVITIES))
        self._runs = _Rows(6, 1)
        self._steps = _Rows(5, 1)
        self._waits = _Rows(2, 1)
        self._owned = _Rows(3, 1)
        self._models: Names[str | None] = Names()
        self._domains: Names[str | None] = Names()
        self._triggers: Names[str] = Names()
        self._names: Names[str] = Names()
        self._people: Names[str] = Names()
        self._mechanisms: Names[str] = Names()
        self._unreadable = 0

    def add(self, facts: Facts, is_detailed: bool) -> bool:
        """Take in a cycle. ``False`` where it is left out as unreadable."""
        time, marks, parts = facts["cycle_time_ns"], facts["marks"], facts["parts_ns"]
        reached = [marks["started"], marks["trained"], marks["selected"], marks["deployed"], marks["in_use"]]
        instants = [instant for instant in reached if instant is not None] or [0]
        if is_detailed or facts["outcome"] == OPEN:
            instants += _instants(facts)
        last = max(instants)
        if last >= _BOUND or min(instants) <= -_BOUND or (time is not None and time >= _BOUND):
            self._unreadable += 1
            return False
        row = len(self._ids)
        self._ids.append(facts["cycle_id"])
        manual, is_hands_free, mechanism, activity = 0, None, None, _NO_ACTIVITY
        if is_detailed:
            manual = self._add_details(row, facts)
            is_hands_free = hands_free(facts)
            mechanism = _mechanism(facts)
            activity = facts["activity_ns"] or _NO_ACTIVITY
        lengths = [finish(facts), time, last, manual, *reached]
        lengths += parts["training"], parts["selection"], parts["deployment"], parts["activation"]
        self._cycles.flat += (
            self._models[facts["model"]],
            self._domains[facts["domain"]],
            self._triggers[facts["trigger"]],
            _OUTCOMES[facts["outcome"]],
            is_counted(facts),
            is_detailed,
            -1 if mechanism is None else self._mechanisms[mechanism],
            -1 if is_hands_free is None else is_hands_free,
            *[NULL if length is None else length for length in lengths],
            *[activity[name] for name in ACTIVITIES],
        )
        for rows in (self._cycles, self._runs, self._steps, self._waits, self._owned):
            rows.pack_if_full()
        return True

    def _add_details(self, row: int, facts: Facts) -> int:
        """Rows for what happened in the cycle. Returns the work of manual steps (ns)."""
        names, runs, waits, owned = self._names, self._runs.flat, self._waits.flat, self._owned.flat
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
            owned += (
                row,
                -1 if name is None else names[name],
                _ACTIVITY_CODES[owner["activity"]],
                owner["end"] - owner["start"],
            )
        manual = [stage for stage in facts["stages"] if is_manual(stage)]
        taken_up = taken_up_ns(facts) if manual else {}
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
        return manual_ns(facts) if manual else 0

    def table(self) -> Table:
        """All that was added, as columns. To be called once."""
        codes, lengths = self._cycles.columns()
        marks_end = 4 + len(MARKS)
        parts_end = marks_end + len(PARTS)
        cycles = Cycles(
            ids=self._ids,
            model=codes[0],
            domain=codes[1],
            trigger=codes[2],
            outcome=codes[3],
            counted=codes[4] != 0,
            has_details=codes[5] != 0,
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
        owned, owned_lengths = self._owned.columns()
        return Table(
            cycles=cycles,
            runs=Runs(runs[0], runs[1], runs[2], runs[3], runs[4], runs[5], run_lengths[0]),
            steps=Steps(steps[0], steps[1], steps[2], steps[3], steps[4], taken_up[0]),
            waits=Waits(waits[0], waits[1], wait_lengths[0]),
            owned=Owned(owned[0], owned[1], owned[2], owned_lengths[0]),
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
    """All instants of stages and waits."""
    intervals: list[StageFacts | WaitFacts] = [*facts["stages"], *facts["waits"]]
    starts = [interval["start"] for interval in intervals]
    return starts + [interval["end"] for interval in intervals if interval["end"] is not None]


def _mechanism(facts: Facts) -> str | None:
    """The mechanism of the last successful stage that tells one; of several, of an ``activate`` stage."""
    told = [
        (stage["kind"] == "activate", stage["start"], stage["id"], stage["mechanism"])
        for stage in facts["stages"]
        if stage["mechanism"] is not None and stage["outcome"] in SUCCESSES
    ]
    return max(told)[-1] if told else None


class _Rows:
    """Rows of some codes and then some lengths, one after the other in a flat list until a chunk of them is packed.

    Arrays of the standard library hold what is packed: they grow in place, so that no million rows are there twice.
    """

    def __init__(self, codes: int, lengths: int) -> None:
        self.flat: list[int] = []
        self._codes, self._width = codes, codes + lengths
        self._packed_codes = array("i")
        self._packed_lengths = array("q")

    def pack_if_full(self) -> None:
        """Pack what was added once it is much; ``flat`` is then another list."""
        if len(self.flat) >= _CHUNK:
            self._pack()

    def _pack(self) -> None:
        rows = np.array(self.flat, dtype=np.int64).reshape(-1, self._width)
        self._packed_codes.frombytes(rows[:, : self._codes].astype(np.int32).tobytes())
        self._packed_lengths.frombytes(rows[:, self._codes :].tobytes())
        self.flat = []

    def columns(self) -> tuple[Codes, Int64s]:
        """The codes and the lengths, each with a row for a column."""
        self._pack()
        codes = np.frombuffer(self._packed_codes, dtype=np.int32).reshape(-1, self._codes)
        lengths = np.frombuffer(self._packed_lengths, dtype=np.int64).reshape(-1, self._width - self._codes)
        return codes.T, lengths.T
