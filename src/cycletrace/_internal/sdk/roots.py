"""The root spans that this process writes at its end, for backends without a collector of cycletrace before them.

They are that of its implicit cycle and, with ``CYCLETRACE_ROOT=sdk``, those of named cycles of which it knows start and
end: it ran a stage of the training part or declared ``started``, and recorded what ended the cycle.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from cycletrace import conventions as c
from cycletrace._internal.journal.documents import SpanDocument, make_root

if TYPE_CHECKING:
    from cycletrace._internal.sdk.cycles import CycleRef


class _Extent:
    """What this process recorded of a cycle: from when to when (UTC nanoseconds), and whether that is all of it."""

    __slots__ = ("cycle", "end", "has_begun", "is_over", "start")

    def __init__(self, cycle: CycleRef, start: int, *, is_whole: bool) -> None:
        self.cycle = cycle
        self.start = start
        self.end = start
        self.has_begun = is_whole
        self.is_over = is_whole


class Roots:
    """The extents of those cycles. ``includes_named``: of all, not only of the implicit one."""

    def __init__(self, *, includes_named: bool) -> None:
        self._includes_named = includes_named
        self._extents: dict[str, _Extent] = {}
        # Re-entrant, because a signal handler may end a stage while another ends.
        self._lock = threading.RLock()

    def own(self, cycle: CycleRef, at: int) -> None:
        """Add the implicit cycle, which this process created at an instant."""
        self._extents[cycle.cycle_id] = _Extent(cycle, at, is_whole=True)

    def extend(self, cycle: CycleRef, start: int, end: int, attributes: Mapping[str, Any]) -> None:
        """Add a span of a cycle."""
        if not self._includes_named and cycle.cycle_id not in self._extents:
            return
        with self._lock:
            extent = self._extents.setdefault(cycle.cycle_id, _Extent(cycle, start, is_whole=False))
            extent.start = min(extent.start, start)
            extent.end = max(extent.end, end)
            extent.has_begun |= _begins(attributes)
            extent.is_over |= _ends(attributes)

    def extend_stage(
        self, cycle: CycleRef, start: int, end: int, kind: str, outcome: str, environment: str | None
    ) -> None:
        """Add a run of a stage."""
        if self._includes_named or cycle.cycle_id in self._extents:
            attributes = {c.STAGE_KIND: kind, c.STAGE_OUTCOME: outcome, c.ENVIRONMENT: environment or cycle.environment}
            self.extend(cycle, start, end, attributes)

    def take(self) -> list[SpanDocument]:
        """Remove and return the roots of the cycles that are known from start to end."""
        with self._lock:
            extents = list(self._extents.values())
            self._extents.clear()
        return [
            make_root(extent.cycle.attributes, extent.start, extent.end, extent.cycle.service, extent.cycle.namespace)
            for extent in extents
            if extent.has_begun and extent.is_over and extent.end > extent.start
        ]


def _begins(attributes: Mapping[str, Any]) -> bool:
    kind = attributes.get(c.STAGE_KIND)
    return attributes.get(c.MARK_NAME) == c.STARTED or c.PART_OF_KIND.get(kind or "") == c.TRAINING


def _ends(attributes: Mapping[str, Any]) -> bool:
    if str(attributes.get(c.ENVIRONMENT) or "production").lower() not in c.PRODUCTION:
        return False
    is_activated = attributes.get(c.STAGE_KIND) == "activate" and attributes.get(c.STAGE_OUTCOME) in c.SUCCESSES
    return is_activated or attributes.get(c.MARK_NAME) == c.IN_USE or c.CYCLE_OUTCOME in attributes
