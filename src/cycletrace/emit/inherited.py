"""Which cycle a process was born into: handed over by its parent, or said by the folder that it runs in.

The order is that of the documentation: ``CYCLETRACE_CYCLE``, else the worktree's ``.cycletrace/cycle``.
"""

from __future__ import annotations

import os
from typing import NamedTuple

from cycletrace.diagnostics import warn_misuse
from cycletrace.emit import worktree
from cycletrace.emit.cycles import CycleRef, from_text

CYCLE_VARIABLE = "CYCLETRACE_CYCLE"
TRACEPARENT = "TRACEPARENT"


class Inherited(NamedTuple):
    """A cycle, and the id of the stage (of another process) that the work of this one is inside of."""

    cycle: CycleRef
    stage: str | None = None


def find_inherited(namespace: str) -> Inherited | None:
    """What this process inherits, ``None`` where nothing. Garbage is told and inherits nothing."""
    text = os.environ.get(CYCLE_VARIABLE, "")
    if text:
        try:
            cycle = from_text(text, namespace)
        except (ValueError, RecursionError) as error:
            warn_misuse("%s is %r, which names no cycle: %s.", CYCLE_VARIABLE, text[:80], error)
        else:
            return Inherited(cycle, _enclosing_stage(cycle))
    found = worktree.find_cycle()
    if found is not None:
        path, line = found
        try:
            return Inherited(from_text(line, namespace))
        except (ValueError, RecursionError) as error:
            warn_misuse("%s names no cycle: %s.", path, error)
    return None


def _enclosing_stage(cycle: CycleRef) -> str | None:
    """The span in ``TRACEPARENT`` (W3C Trace Context, section 3.2) where it is a stage of this cycle."""
    parts = os.environ.get(TRACEPARENT, "").strip().split("-")
    if len(parts) < 4 or parts[1] != cycle.cycle_id or len(parts[2]) != 16:
        return None
    return None if parts[2] == cycle.root_id else parts[2]


def traceparent(cycle: CycleRef, stage: str | None) -> str:
    """The ``TRACEPARENT`` under which a process works inside this stage, or else directly in the cycle."""
    return f"00-{cycle.cycle_id}-{stage or cycle.root_id}-01"
