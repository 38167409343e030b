"""Replay a past cycle without some of its pieces of time.

The model: whatever began after something else had ended is assumed to have waited for it; gaps between the two keep
their length, and what overlapped still overlaps. So the moved pieces keep their lengths, and each begins as long after
the latest end of what ended before it as it did. This is the longest path in the
interval order of the pieces (critical path method: Kelley and Walker, "Critical-path planning and scheduling",
Proceedings of the Eastern Joint Computer Conference (1959) 160-173). Who owns what afterwards is decided by the same
sweep as in the facts.
"""

from __future__ import annotations

from collections.abc import Collection
from heapq import heappop, heappush
from typing import NamedTuple

from cycletrace import conventions as c
from cycletrace._internal.flow import Facts, RecordOrigin, Stage, Wait, is_manual
from cycletrace._internal.flow.owners import activities, sweep
from cycletrace._internal.flow.pieces import Piece, containing, pieces
from cycletrace._internal.report.steps import stood_still_ns

DEEPEST = 20
"""The number of levels of containing stages with which a run is removed."""


class PastCycle(NamedTuple):
    """A finished cycle as a replay needs it. The pieces are in order of their starts, within the cycle."""

    started: int
    end: int
    pieces: list[Piece]
    names: dict[str, str]
    """Names of runs, by id."""
    chains: dict[str, list[str]]
    """Of each run, by id: its id, then those of the runs that contain it, up to :data:`DEEPEST`."""
    manual: set[str]
    """Ids of the manual runs."""
    stood: dict[int, int]
    """The time (ns) for which the cycle stood still for a person before a piece, by the index of the piece: before the
    first piece of a manual run, and before a wait within that standstill."""
    taken_up: dict[int, str]
    """The id of the manual run that ended a wait of the cycle for a person, by the index of the wait's piece."""


class Replayed(NamedTuple):
    """A cycle as it would have been: its length, and what each activity would have owned (ns)."""

    time: int
    activity: dict[str, int]


def past_cycle(facts: Facts) -> PastCycle:
    """Prepare a finished cycle with a known cycle time for replays."""
    started, time = facts["marks"]["started"], facts["cycle_time_ns"]
    assert started is not None
    assert time is not None
    end = started + time
    origin = RecordOrigin(facts["cycle_id"])
    stages = [
        Stage(
            origin,
            run["id"],
            run["name"],
            run["kind"],
            run["start"],
            run["end"],
            actor=run["actor"],
            parent=run["parent"],
        )
        for run in facts["stages"]
    ]
    waits = [
        Wait(origin, wait["id"], wait["reason"], wait["start"], wait["end"], wait["stage"]) for wait in facts["waits"]
    ]
    clipped = [
        piece._replace(end=min(piece.end, end), latest_start=-max(piece.start, started))
        for piece in pieces(stages, waits)
        if piece.start < end and piece.end > started
    ]
    clipped.sort(key=lambda piece: (piece.start, piece))
    chains = _chains(facts)
    first: dict[tuple[str, int], int] = {}
    for index, piece in enumerate(clipped):
        for run_id in chains.get(piece.stage_id, ()):
            first.setdefault((run_id, piece.start), index)
    waits_for_people = [index for index, piece in enumerate(clipped) if _is_wait_for_people(piece)]
    stood_still = stood_still_ns(facts)
    stood: dict[int, int] = {}
    taken_up: dict[int, str] = {}
    for run in facts["stages"]:
        length = stood_still.get(run["id"], 0)
        if not length:
            continue
        begin = run["start"] - length
        if (run["id"], run["start"]) in first:
            stood[first[run["id"], run["start"]]] = length
        for index in waits_for_people:
            piece = clipped[index]
            if begin <= piece.start and piece.end <= run["start"]:
                stood[index] = piece.start - begin
                taken_up[index] = run["id"]
    names = {run["id"]: run["name"] for run in facts["stages"]}
    manual = {run["id"] for run in facts["stages"] if is_manual(run)}
    return PastCycle(started, end, clipped, names, chains, manual, stood, taken_up)


def _chains(facts: Facts) -> dict[str, list[str]]:
    """Return the ids of each run and of those that contain it, the innermost first."""
    parents = containing({run["id"]: run["parent"] for run in facts["stages"]})
    chains = {}
    for run in facts["stages"]:
        chain = [run["id"]]
        while chain[-1] in parents and len(chain) < DEEPEST:
            chain.append(parents[chain[-1]])
        chains[run["id"]] = chain
    return chains


def _is_wait_for_people(piece: Piece) -> bool:
    return piece.is_cycle_wait and c.ACTIVITIES[piece.activity] == f"wait.{c.HUMAN}"


def replay(cycle: PastCycle, without: Collection[int], without_standstill: Collection[int] = ()) -> Replayed:
    """Return the cycle as it would have been without some of its pieces, in O(n log n).

    Args:
        cycle: The cycle as it was.
        without: Indexes of the pieces that take no time.
        without_standstill: Indexes of pieces before which the cycle does not stand still for a person.
    """
    moved = []
    ending: list[tuple[int, int]] = []  # a heap of the running pieces: old end, new end
    old = new = cycle.started  # the latest end so far, as it was and as it would be
    for index, piece in enumerate(cycle.pieces):
        while ending and ending[0][0] <= piece.start:
            ended, moved_end = heappop(ending)
            old, new = max(old, ended), max(new, moved_end)
        gap = piece.start - old
        if index in without_standstill:
            gap = max(0, gap - cycle.stood.get(index, 0))
        begin = new + gap
        end = begin if index in without else begin + piece.end - piece.start
        heappush(ending, (piece.end, end))
        if end > begin:
            moved.append(piece._replace(end=end, latest_start=-begin))
    for ended, moved_end in ending:
        old, new = max(old, ended), max(new, moved_end)
    finish = new + cycle.end - old
    return Replayed(finish - cycle.started, activities(sweep(moved, cycle.started, finish)))
