"""A wait, from its beginning to its end."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from cycletrace import conventions as c
from cycletrace._internal.diagnostics import never_raise
from cycletrace._internal.sdk import people
from cycletrace._internal.sdk.runtime import runtime

if TYPE_CHECKING:
    from cycletrace._internal.sdk.cycles import CycleRef
    from cycletrace._internal.sdk.runs import Run
    from cycletrace._internal.sdk.runtime import Runtime


@never_raise
def open_wait(reason: str, by: str | None, cycle: CycleRef | None, run: Run | None) -> OpenWait | None:
    """Begin a wait of this run, else of this cycle, else of the current stage or cycle. ``None`` if not recorded."""
    state = runtime()
    if state is None or state.records_errors_only:
        return None
    if run is not None:
        return OpenWait(state, run.cycle, reason, by, run.id)
    if cycle is not None:
        return OpenWait(state, cycle, reason, by, None)
    cycle = state.here_cycle()
    return OpenWait(state, cycle, reason, by, state.enclosing_stage(cycle))


def record_sums(runtime: Runtime, cycle: CycleRef, stage: str, start: int, end: int, waited: Mapping[str, int]) -> None:
    """Record how long a stage waited in all, by reason (ns), which is at most from its start to its end."""
    for reason, length in waited.items():
        wait = runtime.source.new_id()
        attributes = {c.WAIT_ID: wait, c.WAIT_REASON: reason, c.STAGE_ID: stage, c.WAIT_SUMMED: True}
        runtime.write_span(cycle, c.wait_span(reason), wait, start, min(start + length, end), attributes, stage)


class OpenWait:
    """A wait that has begun. Instantiating it records the beginning."""

    __slots__ = ("_attributes", "_cycle", "_id", "_reason", "_runtime", "_stage", "_start", "_steady")

    def __init__(self, runtime: Runtime, cycle: CycleRef, reason: str, by: str | None, stage: str | None) -> None:
        source = runtime.source
        self._runtime = runtime
        self._cycle = cycle
        self._reason = reason
        self._stage = stage
        self._id = source.new_id()
        self._start = source.now()
        self._steady = source.steady()
        self._attributes: dict[str, Any] = {c.WAIT_ID: self._id, c.WAIT_REASON: reason}
        if stage is not None:
            self._attributes[c.STAGE_ID] = stage
        if by is not None:
            actor, person = people.actor(by, runtime.settings)
            self._attributes[c.ACTOR_TYPE] = actor
            if person is not None:
                self._attributes[c.ACTOR_ID] = person
        runtime.write_event(cycle, c.WAIT_OPENED, self._id, self._start, self._attributes)

    @never_raise
    def end(self) -> None:
        """End the wait. In a forked child, this does nothing, since the wait belongs to the parent."""
        if self._runtime.is_abandoned:
            return
        end = self._start + self._runtime.source.steady() - self._steady
        try:
            self._finish(end)
        except RecursionError:  # no room on the stack
            self._runtime.unfinished.append(partial(self._finish, end))

    def _finish(self, end: int) -> None:
        self._runtime.write_span(
            self._cycle, c.wait_span(self._reason), self._id, self._start, end, self._attributes, self._stage
        )
