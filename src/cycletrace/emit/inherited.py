"""Which cycle a process was born into: handed over by its parent, or said by the folder that it runs in.

The order is that of the documentation: ``CYCLETRACE_CYCLE``, else the worktree's ``.cycletrace/cycle``.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

from cycletrace.diagnostics import warn_misuse
from cycletrace.emit.cycles import Identity, from_text

CYCLE_VARIABLE = "CYCLETRACE_CYCLE"
TRACEPARENT = "TRACEPARENT"
WORKTREE_FILE = Path(".cycletrace") / "cycle"


class Inherited(NamedTuple):
    """A cycle, and the id of the stage (of another process) that the work of this one is inside of."""

    cycle: Identity
    stage: str | None = None


def inherited(namespace: str) -> Inherited | None:
    """What this process inherits, ``None`` where nothing. Garbage is told and inherits nothing."""
    text = os.environ.get(CYCLE_VARIABLE, "")
    if text:
        try:
            cycle = from_text(text, namespace)
        except ValueError as error:
            warn_misuse("%s is %r, which names no cycle: %s.", CYCLE_VARIABLE, text[:80], error)
        else:
            return Inherited(cycle, _enclosing_stage(cycle))
    path = find_worktree_file()
    if path is not None:
        try:
            return Inherited(from_text(path.read_text(encoding="utf-8"), namespace))
        except (OSError, ValueError) as error:
            warn_misuse("%s names no cycle: %s.", path, error)
    return None


def _enclosing_stage(cycle: Identity) -> str | None:
    """The span in ``TRACEPARENT`` (W3C Trace Context, section 3.2) where it is a stage of this cycle."""
    parts = os.environ.get(TRACEPARENT, "").strip().split("-")
    if len(parts) < 4 or parts[1] != cycle.cycle_id or len(parts[2]) != 16:
        return None
    return None if parts[2] == cycle.root_id else parts[2]


def traceparent(cycle: Identity, stage: str | None) -> str:
    """The ``TRACEPARENT`` under which a process works inside this stage, or else directly in the cycle."""
    return f"00-{cycle.cycle_id}-{stage or cycle.root_id}-01"


def find_worktree_file(start: Path | None = None) -> Path | None:
    """The nearest ``.cycletrace/cycle`` in this folder (default: the working directory) or above."""
    try:
        folder = (start or Path.cwd()).resolve()
        for candidate in (folder, *folder.parents):
            if (candidate / WORKTREE_FILE).is_file():
                return candidate / WORKTREE_FILE
    except OSError:  # the working directory is gone, or not ours to read
        pass
    return None
