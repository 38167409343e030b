"""Passing the cycle and stage to child processes through the environment.

While exactly one cycle is active, it is in ``CYCLETRACE_CYCLE``, with ``TRACEPARENT``. While several are, none is, and
``env=cycletrace.environ()`` passes the current one.
"""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING

from cycletrace._internal.sdk.inherited import CYCLE_VARIABLE, TRACEPARENT, traceparent

if TYPE_CHECKING:
    from cycletrace._internal.sdk.cycles import CycleRef
    from cycletrace._internal.sdk.runs import Run

NAMES = (CYCLE_VARIABLE, TRACEPARENT)
MAX_UPDATES = 10_000
"""Changes of the environment after which stages are left out: the C library never frees old values."""


class EnvPropagation:
    """The variables that we set in this process. They are restored when no cycle is active, and at exit."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._cycles: dict[int, CycleRef] = {}
        self._runs: dict[str, Run] = {}
        self._fallback: CycleRef | None = None
        self._updates = 0
        self._handed: tuple[str, str] | None = None
        self._before: tuple[str | None, ...] = ()

    def enter_cycle(self, block: object, cycle: CycleRef) -> None:
        """Record that a block of this cycle began."""
        with self._lock:
            self._cycles[id(block)] = cycle
            self._update()

    def leave_cycle(self, block: object) -> None:
        """Record that a block ended."""
        with self._lock:
            self._cycles.pop(id(block), None)
            self._update()

    def enter_run(self, run: Run) -> None:
        """Record that a stage began."""
        if self._updates < MAX_UPDATES:
            with self._lock:
                self._runs[run.id] = run
                self._update()

    def leave_run(self, run: Run) -> None:
        """Record that a stage ended."""
        if run.id in self._runs:
            with self._lock:
                self._runs.pop(run.id, None)
                self._update()

    def fall_back_on(self, cycle: CycleRef) -> None:
        """Set the cycle that is passed on while no other is active."""
        with self._lock:
            self._fallback = cycle
            self._update()

    def close(self) -> None:
        """Restore the environment."""
        with self._lock:
            self._fallback = None
            self._cycles.clear()
            self._runs.clear()
            self._update()

    def _update(self) -> None:
        wanted = self._wanted()
        if wanted == self._handed:
            return
        if self._handed is None:
            self._before = tuple(os.environ.get(name) for name in NAMES)
        values = self._before if wanted is None else wanted
        for name, value, was in zip(NAMES, values, self._handed or (None, None), strict=True):
            if value is None:
                os.environ.pop(name, None)
            elif value != was:
                os.environ[name] = value
                self._updates += 1
        self._handed = wanted

    def _wanted(self) -> tuple[str, str] | None:
        active = {cycle.cycle_id: cycle for cycle in self._cycles.values()}
        active.update((run.cycle.cycle_id, run.cycle) for run in self._runs.values())
        if not active and self._fallback is not None:
            active[self._fallback.cycle_id] = self._fallback
        if len(active) != 1:
            return None
        (cycle,) = active.values()
        return cycle.to_text(), traceparent(cycle, self._innermost())

    def _innermost(self) -> str | None:
        """Return the innermost running stage, or ``None`` if running stages are not nested in one chain."""
        stage = None
        for run in self._runs.values():  # ordered by start
            if stage is not None and run.enclosing != stage:
                return None
            stage = run.id
        return stage


def environ(cycle: CycleRef | None, stage: str | None) -> dict[str, str]:
    """Return a copy of the environment that passes this cycle and stage on."""
    env = dict(os.environ)
    if cycle is not None:
        env[CYCLE_VARIABLE] = cycle.to_text()
        env[TRACEPARENT] = traceparent(cycle, stage)
    return env
