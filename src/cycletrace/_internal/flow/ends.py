"""Which begin each end is the end of, where begin and end were recorded apart and neither knows of the other.

Source: the specification, rules 2.9, 2.10 and 2.11.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from cycletrace._internal.flow.records import End


class Begun(NamedTuple):
    """A begin that no run ended. The order of the fields is that in which ends look at begins."""

    start: int
    id: str
    name: str
    environment: str | None = None
    attempt: int | None = None


_Kind = tuple[str, str | None, int | None]
"""A name, an environment and an attempt; ``None`` for any."""


def pair_ends(ends: Iterable[End], begins: Sequence[Begun], tolerance: int) -> dict[str, End]:
    """Map the ids of begins to the ends that end them. All are of one cycle, and either of stages or of waits.

    Each end, by instant and id, ends the latest begin at or before it that it can mean. Those that are left then end
    the earliest begin after them, no further than the tolerance (ns), since clocks differ. Of begins at one instant
    the greatest id comes first. O(n log n).
    """
    ended: dict[str, End] = {}
    unmatched: list[End] = []
    later = deque(sorted(begins))
    earlier: dict[_Kind, list[Begun]] = defaultdict(list)
    for end in sorted(ends, key=lambda end: (end.at, end.id)):
        while later and later[0].start <= end.at:
            begin = later.popleft()
            for kind in _kinds(begin):
                earlier[kind].append(begin)
        candidates = earlier[_meant(end)]
        while candidates and candidates[-1].id in ended:
            candidates.pop()
        if candidates:
            ended[candidates.pop().id] = end
        else:
            unmatched.append(end)
    following: dict[_Kind, deque[Begun]] = defaultdict(deque)
    if unmatched:
        for begin in sorted(sorted(begins, key=lambda begin: begin.id, reverse=True), key=lambda begin: begin.start):
            for kind in _kinds(begin):
                following[kind].append(begin)
    for end in unmatched:
        queue = following[_meant(end)]
        while queue and (queue[0].start <= end.at or queue[0].id in ended):
            queue.popleft()
        if queue and queue[0].start <= end.at + tolerance:
            ended[queue.popleft().id] = end
    return ended


def _kinds(begin: Begun) -> set[_Kind]:
    """Return every description that an end can give of a begin."""
    return {
        (begin.name, environment, attempt)
        for environment in (None, begin.environment)
        for attempt in (None, begin.attempt)
    }


def _meant(end: End) -> _Kind:
    return end.name, end.environment, end.attempt
