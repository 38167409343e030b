"""The cycles that a page shows one by one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from heapq import heappush, heappushpop

from cycletrace import conventions as c
from cycletrace._internal.flow import Facts, finish, is_counted
from cycletrace._internal.report.cycle_report import CycleReport, build_cycle
from cycletrace._internal.report.populations import is_about

LATEST, SLOWEST, OPEN, CLOSED = 200, 20, 50, 50
"""The largest numbers of cycles: those that ended last, the slowest ones, open ones, and closed without finishing."""


class Picked:
    """Takes in the cycles of one trigger, and keeps the facts of those that a page shows."""

    def __init__(self, trigger: str) -> None:
        self._trigger = trigger
        self._kept: dict[str, list[tuple[int, str, Facts]]] = {"latest": [], "slowest": [], "open": [], "closed": []}

    def noting(self, facts: Iterable[Facts]) -> Iterator[Facts]:
        """Yield the facts unchanged."""
        for one in facts:
            if is_about(one, self._trigger) and is_counted(one):
                self._add(one)
            yield one

    def _add(self, facts: Facts) -> None:
        started, time, finished = facts["marks"]["started"] or 0, facts["cycle_time_ns"] or 0, finish(facts)
        if facts["outcome"] == c.OPEN and finished is None:
            self._keep("open", OPEN, time, facts)
            return
        self._keep("latest", LATEST, started + time, facts)
        if finished is not None:
            self._keep("slowest", SLOWEST, time, facts)
        else:
            self._keep("closed", CLOSED, started + time, facts)

    def _keep(self, sort: str, most: int, rank: int, facts: Facts) -> None:
        kept = self._kept[sort]
        entry = rank, facts["cycle_id"], facts
        if len(kept) < most:
            heappush(kept, entry)
        elif entry[:2] > kept[0][:2]:
            heappushpop(kept, entry)

    def cycles(self) -> list[CycleReport]:
        """Return the cycles that were kept, each once: open ones first, then the one that ended last."""
        chosen = {facts["cycle_id"]: facts for kept in self._kept.values() for _, _, facts in kept}
        found = [build_cycle(facts) for facts in chosen.values()]
        return sorted(found, key=lambda cycle: (cycle.outcome != c.OPEN, -(cycle.ended or 0), cycle.cycle_id))
