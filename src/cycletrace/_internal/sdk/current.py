"""The cycle and stage that the running code is in."""

from __future__ import annotations

from contextvars import ContextVar
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from cycletrace._internal.sdk.cycles import CycleRef
    from cycletrace._internal.sdk.inherited import Inherited
    from cycletrace._internal.sdk.runs import Run


class Context(NamedTuple):
    """The innermost cycle, the innermost run of a stage (of any cycle), and an attached snapshot, if any."""

    cycle: CycleRef | None = None
    run: Run | None = None
    attached: Inherited | None = None

    def run_of(self, cycle: CycleRef) -> Run | None:
        """Return the innermost run of this cycle that has not ended; work that outlives a stage is not inside it."""
        run = self.run
        while run is not None and (run.has_ended or run.cycle.cycle_id != cycle.cycle_id):
            run = run.around.run
        return run


EMPTY = Context()
CURRENT: ContextVar[Context] = ContextVar("cycletrace", default=EMPTY)
