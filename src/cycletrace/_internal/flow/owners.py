"""Who owns each instant of a cycle: a backward sweep from its end.

Source: the specification, rules 2.30, 2.31 and 2.32. The sweep is the critical path of the cycle, with one owner per
instant, so that lengths add up to the cycle time in integers.
"""

from __future__ import annotations

from collections.abc import Iterable
from heapq import heappop, heappush

from cycletrace._internal.flow.facts import Owner
from cycletrace._internal.flow.pieces import Label, Piece
from cycletrace.conventions import ACTIVITIES, UNEXPLAINED

_NOBODY: Label = (None, None, UNEXPLAINED)


def sweep(pieces: Iterable[Piece], started: int, end: int) -> list[Owner]:
    """Return the owners of ``[started, end)`` in order, neighbours alike in stage, kind and activity as one.

    At time t, among the pieces that began before t, the one that reaches furthest (clipped to t) owns from its
    start to its reach; between its reach and t nobody does. O(n log n).
    """
    waiting = sorted(pieces)  # by end before all else; taken from the back, so that the furthest comes first
    reaching: list[Piece] = []  # a heap of those that reach t, by the order in which ties are decided
    backwards: list[tuple[Label, int]] = []  # who owns, and from when
    t = end
    while t > started:
        while waiting and waiting[-1].end >= t:
            heappush(reaching, waiting.pop())
        while reaching and reaching[0].start >= t:
            heappop(reaching)  # it did not begin before t, nor before any earlier t
        if reaching:
            label, t = reaching[0].label, max(reaching[0].start, started)
        else:
            label, t = _NOBODY, max(waiting[-1].end, started) if waiting else started
        if backwards and backwards[-1][0] == label:
            backwards[-1] = label, t
        else:
            backwards.append((label, t))
    owners: list[Owner] = []
    for (stage, kind, activity), start in backwards:
        owners.append({"stage": stage, "kind": kind, "activity": activity, "start": start, "end": end})
        end = start
    return owners[::-1]


def activities(owners: Iterable[Owner]) -> dict[str, int]:
    """Return how long each of the eight activities owned, in nanoseconds. They add up to the length of the sweep."""
    lengths = dict.fromkeys(ACTIVITIES, 0)
    for owner in owners:
        lengths[owner["activity"]] += owner["end"] - owner["start"]
    return lengths
