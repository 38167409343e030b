"""What callbacks have in common: a stage that one call enters and another one leaves, and waits between steps."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from cycletrace import Run, Stage, current_cycle, current_stage, stage
from cycletrace._internal.diagnostics import never_raise as harmless
from cycletrace.conventions import root_span_id

__all__ = ["StageInCallbacks", "harmless", "is_active", "is_in_stage"]


def is_active() -> bool:
    """Return whether what runs here belongs to a cycle. Where nothing hints at one, this takes microseconds."""
    return (_is_recording() or "CYCLETRACE_CYCLE" in os.environ or _is_in_worktree()) and current_cycle() is not None


def _is_recording() -> bool:
    return "cycletrace._internal.sdk.runtime" in sys.modules


def _is_in_worktree() -> bool:
    here = Path.cwd()
    return any((folder / ".cycletrace" / "cycle").exists() for folder in (here, *here.parents))


def is_in_stage() -> bool:
    """Return whether what runs here is inside a stage, in this process or in one that started it."""
    cycle = current_cycle()
    if cycle is None or current_stage() is not None:
        return cycle is not None
    parts = os.environ.get("TRACEPARENT", "").split("-")
    return len(parts) == 4 and parts[1] == cycle.trace_id and parts[2] != root_span_id(cycle.trace_id)


class StageInCallbacks:
    """A stage that begins in one callback and ends in another. Used by one thread."""

    def __init__(self) -> None:
        self._stage: Stage | None = None
        self._run: Run | None = None
        self._idle_since: float | None = None

    @property
    def run(self) -> Run | None:
        """The run that has begun and not ended."""
        return self._run

    def enter(self, name: str, kind: str) -> None:
        """Begin a run, ending one that was never left, since whatever it recorded failed."""
        if self._run is not None:
            self._run.outcome = "error"
            self.leave()
        self._stage = stage(name, kind=kind)
        self._run = self._stage.__enter__()

    def await_data(self) -> None:
        """Note that the next batch is waited for from now on."""
        self._idle_since = time.monotonic()

    def got_data(self) -> None:
        """Add the time since :meth:`await_data` to what the stage waited for data in all."""
        since, self._idle_since = self._idle_since, None
        if since is not None and self._run is not None:
            self._run.add_wait("data", time.monotonic() - since)

    def leave(self, error: BaseException | None = None, results: Mapping[str, float | None] | None = None) -> None:
        """End the run, if there is one, with this exception or without, and with these attributes that are known."""
        entered, run = self._stage, self._run
        self._stage = self._run = self._idle_since = None
        if entered is not None and run is not None:
            run.set(**{name: value for name, value in (results or {}).items() if value is not None})
            entered.__exit__(None if error is None else type(error), error, None)
