"""Rule 7 a second time, one owner per instant: slow, obvious, and written from the design, as all of the reference."""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

from cycletrace._internal.flow.facts import Owner
from cycletrace._internal.flow.records import Stage, Wait
from cycletrace.conventions import ACTIVITIES

NEVER = 1 << 100
"""The end of what has not ended, later than any instant: ties are compared before any clipping."""


class Piece(NamedTuple):
    stage: Stage | None
    activity: str
    start: int
    end: int


def containers_of(stage: Stage, stages: list[Stage]) -> list[str]:
    """The ids of the stages that contain this one: none where its chain loops."""
    parents = {one.id: one.parent for one in stages}
    chain = [stage.id]
    parent = stage.parent
    while parent is not None and parent in parents:
        if parent in chain:
            return []
        chain.append(parent)
        parent = parents[parent]
    return chain[1:]


def runs(interval: Stage | Wait, start: int, end: int) -> bool:
    """Whether it lasts throughout ``[start, end)``."""
    return interval.start <= start and end <= (NEVER if interval.end is None else interval.end)


def stretches(cells: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """The maximal stretches that these ordered cells fill."""
    joined: list[tuple[int, int]] = []
    for start, end in cells:
        if joined and joined[-1][1] == start:
            joined[-1] = (joined[-1][0], end)
        else:
            joined.append((start, end))
    return joined


def placed(waits: list[Wait], stages: list[Stage]) -> list[Wait]:
    """The waits, summed ones where they nominally lie: from the start of their stage, one reason after the other."""
    found = [wait for wait in waits if not wait.is_summed]
    for stage in stages:
        start = stage.start
        for activity in ACTIVITIES:
            of_reason = [
                wait
                for wait in waits
                if wait.is_summed and wait.stage == stage.id and f"wait.{wait.reason}" == activity
            ]
            lengths = [2 * NEVER if wait.end is None else wait.end - wait.start for wait in of_reason]
            length = sum(each for each in lengths if each > 0)
            if length:
                end = min(start + length, NEVER if stage.end is None else stage.end)
                found.append(of_reason[0]._replace(start=start, end=end))
                start = end
    return found


def pieces_of(stages: list[Stage], waits: list[Wait]) -> list[Piece]:
    """Every piece, from the elementary intervals between all instants; what is negative lasts through none."""
    waits = placed(waits, stages)
    points: set[int] = set()
    intervals: list[Stage | Wait] = [*stages, *waits]
    for interval in intervals:
        points |= {interval.start, NEVER if interval.end is None else interval.end}
    cells = list(pairwise(sorted(points)))
    return [
        *(piece for stage in stages for piece in pieces_of_stage(stage, stages, waits, cells)),
        *(
            Piece(None, f"wait.{wait.reason}", start, end)
            for wait in waits
            if wait.stage is None
            for start, end in stretches([cell for cell in cells if runs(wait, *cell)])
        ),
    ]


def pieces_of_stage(stage: Stage, stages: list[Stage], waits: list[Wait], cells: list[tuple[int, int]]) -> list[Piece]:
    contained = [one for one in stages if stage.id in containers_of(one, stages)]
    own = [wait for wait in waits if wait.stage == stage.id]
    free = [cell for cell in cells if runs(stage, *cell) and not any(runs(inner, *cell) for inner in contained)]
    working = [cell for cell in free if not any(runs(wait, *cell) for wait in own)]
    pieces = [Piece(stage, f"work.{stage.actor}", start, end) for start, end in stretches(working)]
    for wait in own:
        waiting = [cell for cell in free if runs(wait, *cell)]
        pieces += [Piece(stage, f"wait.{wait.reason}", start, end) for start, end in stretches(waiting)]
    return pieces


def is_before(one: Piece, other: Piece, t: int) -> bool:
    """Whether the sweep takes the first of two pieces at time t."""
    if min(one.end, t) != min(other.end, t):
        return min(one.end, t) > min(other.end, t)
    if one.end != other.end:
        return one.end < other.end
    if one.start != other.start:
        return one.start > other.start
    if (one.stage is None) != (other.stage is None):
        return other.stage is None
    if one.stage is not None and other.stage is not None and one.stage.id != other.stage.id:
        return one.stage.id < other.stage.id
    return ACTIVITIES.index(one.activity) < ACTIVITIES.index(other.activity)


def sweep(pieces: list[Piece], started: int, end: int) -> list[Owner]:
    """The owners of ``[started, end)``, in order."""
    owners: list[Owner] = []
    t = end
    while t > started:
        best: Piece | None = None
        for piece in pieces:
            if piece.start < t and (best is None or is_before(piece, best, t)):
                best = piece
        if best is None:
            owners.append(Owner(stage=None, kind=None, activity="unexplained", start=started, end=t))
            break
        reach = max(min(best.end, t), started)
        start = max(best.start, started)
        if reach < t:
            owners.append(Owner(stage=None, kind=None, activity="unexplained", start=reach, end=t))
        if start < reach:
            stage = best.stage
            owners.append(
                Owner(
                    stage=stage.name if stage else None,
                    kind=stage.kind if stage else None,
                    activity=best.activity,
                    start=start,
                    end=reach,
                )
            )
        t = start
    return joined_owners(owners[::-1])


def joined_owners(owners: list[Owner]) -> list[Owner]:
    joined: list[Owner] = []
    for owner in owners:
        if joined and all(joined[-1][name] == owner[name] for name in ("stage", "kind", "activity")):
            joined[-1]["end"] = owner["end"]
        else:
            joined.append(owner)
    return joined
