"""What could own time: the stretches in which a stage works, and the waits.

Source: the specification, rules 2.26, 2.27, 2.28 and 2.29.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from cycletrace._internal.flow.intervals import Cover, union
from cycletrace._internal.flow.records import Stage, Wait
from cycletrace.conventions import ACTIVITIES, REASONS

FAR = 1 << 128
"""The end of what has not ended: later than any instant, so that it sorts last."""

Label = tuple[str | None, str | None, str]
"""Name and kind of a stage, both ``None`` where no stage is meant, and an activity."""


class Piece(NamedTuple):
    """A stretch that could own time. The order of the fields is the order in which ties are decided."""

    end: int
    """Ends soonest; :data:`FAR` while unfinished."""
    latest_start: int
    """Starts latest: the start, negated."""
    is_cycle_wait: bool
    stage_id: str
    activity: int
    """Index into :data:`~cycletrace.conventions.ACTIVITIES`."""
    label: Label

    @property
    def start(self) -> int:
        """The first instant of the piece."""
        return -self.latest_start


def pieces(stages: Sequence[Stage], waits: Iterable[Wait]) -> list[Piece]:
    """Return all pieces, in no particular order. O(n log n) in stages and waits.

    A stage works, and its own waits count, where it runs and none that it contains runs; while it stands still
    in a wait of its own it does not work.
    """
    own_waits: dict[str, list[Wait]] = defaultdict(list)
    summed: dict[str, list[Wait]] = defaultdict(list)
    found = []
    for wait in waits:
        if wait.stage is None:
            found.append(_piece(wait.start, _end(wait), f"wait.{wait.reason}"))
        else:
            (summed if wait.is_summed else own_waits)[wait.stage].append(wait)
    alone = _alone(stages)
    for stage in stages:
        if stage.id in summed:
            own_waits[stage.id] += _placed(stage, summed[stage.id])
        stretches = alone[stage.id] if stage.id in alone else [(stage.start, _end(stage))]
        waiting = own_waits.get(stage.id, ())
        for start, end in _working(stretches, waiting) if waiting else stretches:
            found.append(_piece(start, end, f"work.{stage.actor}", stage))
        for start, end, reason in _standing_still(stretches, waiting) if waiting else ():
            found.append(_piece(start, end, f"wait.{reason}", stage))
    return [piece for piece in found if piece.start < piece.end]  # what is negative or has no length owns nothing


def _placed(stage: Stage, waits: Iterable[Wait]) -> list[Wait]:
    """Return one wait for each reason of a stage's summed waits, one after the other from the start of the stage."""
    lengths: dict[str, int] = defaultdict(int)
    for wait in waits:
        # One that has not ended lasts as long as its stage.
        lengths[wait.reason] += 2 * FAR if wait.end is None else max(0, wait.end - wait.start)
    placed = []
    start = stage.start
    for reason in sorted(lengths, key=REASONS.index):
        end = min(start + lengths[reason], _end(stage))
        placed.append(Wait(stage.origin, "", reason, start, end))
        start = end
    return placed


def _piece(start: int, end: int, activity: str, stage: Stage | None = None) -> Piece:
    index = _ACTIVITY[activity]
    if stage is None:
        return Piece(end, -start, True, "", index, (None, None, activity))
    return Piece(end, -start, False, stage.id, index, (stage.name, stage.kind, activity))


_ACTIVITY = {activity: index for index, activity in enumerate(ACTIVITIES)}


def _end(interval: Stage | Wait) -> int:
    return FAR if interval.end is None else interval.end


def _alone(stages: Iterable[Stage]) -> dict[str, list[tuple[int, int]]]:
    """Map each stage that contains any to the stretches in which it runs and none that it contains does."""
    parents = containing({stage.id: stage.parent for stage in stages})
    depths = _depths(parents)
    covers: dict[str, Cover] = {}  # by containing stage: where anything that it contains runs
    alone: dict[str, list[tuple[int, int]]] = {}
    # The deepest first: when a stage comes, all that it contains has been.
    for stage in sorted((stage for stage in stages if stage.id in depths), key=lambda stage: -depths[stage.id]):
        inside = covers.pop(stage.id, None)
        interval = (stage.start, _end(stage))
        if inside is None:
            inside = Cover()
        else:
            alone[stage.id] = inside.gaps(*interval)
        inside.add(*interval)  # a negative stage runs nowhere, and yet what it contains is contained further up
        parent = parents.get(stage.id)
        if parent is not None:
            covers[parent] = union(covers[parent], inside) if parent in covers else inside
    return alone


def containing(named: Mapping[str, str | None]) -> dict[str, str]:
    """Map each contained stage to the one that directly contains it. ``named`` maps each stage to the parent it names.

    A parent that nobody knows contains nothing, and neither does a looping chain.
    """
    parents = {stage: parent for stage, parent in named.items() if parent is not None and parent in named}
    is_sound: dict[str, bool] = {}
    for stage in parents:
        path: dict[str, None] = {}
        current = stage
        while current in parents and current not in is_sound and current not in path:
            path[current] = None
            current = parents[current]
        is_sound.update(dict.fromkeys(path, current not in path and is_sound.get(current, True)))
    return {stage: parent for stage, parent in parents.items() if is_sound[stage]}


def _depths(parents: Mapping[str, str]) -> dict[str, int]:
    """Map each stage that contains or is contained to how many stages contain it. The chains must not loop."""
    depths: dict[str, int] = {}
    for stage in parents:
        path = []
        current = stage
        while current in parents and current not in depths:
            path.append(current)
            current = parents[current]
        depth = depths.setdefault(current, 0)
        for contained in reversed(path):
            depth += 1
            depths[contained] = depth
    return depths


def _working(stretches: Sequence[tuple[int, int]], waits: Iterable[Wait]) -> list[tuple[int, int]]:
    still = Cover()
    for wait in waits:
        still.add(wait.start, _end(wait))
    return [gap for stretch in stretches for gap in still.gaps(*stretch)]


def _standing_still(stretches: Sequence[tuple[int, int]], waits: Iterable[Wait]) -> set[tuple[int, int, str]]:
    """Return the waits of one stage within its stretches: start, end, reason, each once.

    A wait that fills a stretch is the same piece as any other of its reason that fills it, so only the stretches
    at a wait's two ends are looked at one by one: many waits over many stretches stay O(n log n).
    """
    starts = [start for start, _ in stretches]
    ends = [end for _, end in stretches]
    found: set[tuple[int, int, str]] = set()
    filled: dict[str, Cover] = defaultdict(Cover)  # by reason: indexes of stretches
    for wait in waits:
        first = bisect_right(ends, wait.start)
        behind = bisect_left(starts, _end(wait))
        for index in {first, behind - 1} if first < behind else ():
            found.add((max(wait.start, starts[index]), min(_end(wait), ends[index]), wait.reason))
        filled[wait.reason].add(first + 1, behind - 1)
    for reason, indexes in filled.items():
        for first, behind in indexes:
            found.update((starts[index], ends[index], reason) for index in range(first, behind))
    return found
