"""The cycle that a process inherits: from its parent, or from the directory that it runs in.

The order is that of the documentation: ``CYCLETRACE_CYCLE``, else the worktree's ``.cycletrace/cycle``.
"""

from __future__ import annotations

import os
from typing import NamedTuple

from cycletrace._internal import environment
from cycletrace._internal.diagnostics import warn_misuse
from cycletrace._internal.sdk import worktree
from cycletrace._internal.sdk.cycles import CycleRef, from_text

CYCLE_VARIABLE = environment.CYCLE.name
TRACEPARENT = environment.TRACEPARENT.name


class Inherited(NamedTuple):
    """A cycle, and the id of the enclosing stage, which runs in another process."""

    cycle: CycleRef
    stage: str | None = None


def find_inherited(namespace: str) -> Inherited | None:
    """Return what this process inherits, or ``None``. Invalid values are logged and ignored."""
    text = os.environ.get(CYCLE_VARIABLE, "")
    if text:
        try:
            cycle = from_text(text, namespace)
        except (ValueError, RecursionError) as error:
            warn_misuse(
                "%s must be a key or a JSON object, got %r: %s. It is ignored.", CYCLE_VARIABLE, text[:80], error
            )
        else:
            return Inherited(cycle, _enclosing_stage(cycle))
    found = worktree.find_cycle()
    if found is not None:
        path, line = found
        try:
            return Inherited(from_text(line, namespace))
        except (ValueError, RecursionError) as error:
            warn_misuse("%s must contain a key or a JSON object: %s. It is ignored.", path, error)
    return None


def _enclosing_stage(cycle: CycleRef) -> str | None:
    """Return the span in ``TRACEPARENT`` (W3C Trace Context, section 3.2) if it is a stage of this cycle."""
    parts = os.environ.get(TRACEPARENT, "").strip().split("-")
    if len(parts) < 4 or parts[1] != cycle.cycle_id or len(parts[2]) != 16:
        return None
    return None if parts[2] == cycle.root_id else parts[2]


def traceparent(cycle: CycleRef, stage: str | None) -> str:
    """Return the ``TRACEPARENT`` for a process inside this stage, or directly in the cycle."""
    return f"00-{cycle.cycle_id}-{stage or cycle.root_id}-01"
