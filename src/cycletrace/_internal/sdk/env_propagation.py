"""Passing the cycle and stage to child processes through the environment.

While exactly one cycle is active, it is in ``CYCLETRACE_CYCLE``, with ``TRACEPARENT``. While several are, none is, and
``env=cycletrace.environ()`` passes the current one.
"""

from __future__ import annotations

import os
import threading
import time
from typing import TYPE_CHECKING

from cycletrace._internal.sdk.inherited import CYCLE_VARIABLE, TRACEPARENT, traceparent

if TYPE_CHECKING:
    from cycletrace._internal.sdk.cycles import CycleRef
    from cycletrace._internal.sdk.runs import Run

NAMES = (CYCLE_VARIABLE, TRACEPARENT)
MAX_STAGES = 5_000
"""How many stages are passed on at once, and one more each second: the C library never frees an old value, and the id
of each stage is a new one. Child processes of any other stage join the stage around it, or its cycle."""


class EnvPropagation:
    """The variables that we set in this process. They are restored when no cycle is active, and at exit.

    Entering and leaving cost the same however many stages are running.
    """

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._cycles: dict[str, CycleRef] = {}
        """The active cycles, by id."""
        self._uses: dict[str, int] = {}
        """By how many blocks and stages each of them is active."""
        self._blocks: dict[int, CycleRef] = {}
        self._runs = Chain()
        self._fallback: CycleRef | None = None
        self._paid_until = 0.0
        """Until when the stages that were passed on use up the rate of one a second (:func:`time.monotonic`)."""
        self._handed: tuple[str, str] | None = None
        self._before: tuple[str | None, ...] = ()
        self._is_outdated = False
        """True from before a change until the variables follow it. An interrupted change is followed with the next."""

    def enter_cycle(self, block: object, cycle: CycleRef) -> None:
        """Record that a block of this cycle began."""
        with self._lock:
            self._blocks[id(block)] = cycle
            self._use(cycle)
            self._update()

    def leave_cycle(self, block: object) -> None:
        """Record that a block ended."""
        with self._lock:
            cycle = self._blocks.pop(id(block), None)
            if cycle is not None:
                self._release(cycle)
                self._update()

    def enter_run(self, run: Run) -> None:
        """Record that a stage began."""
        with self._lock:
            self._use(run.cycle)
            now = time.monotonic()
            if self._paid_until <= now + MAX_STAGES - 1:
                self._paid_until = max(self._paid_until, now) + 1.0
                self._is_outdated = True
                self._runs.append(run)
            if self._is_outdated:
                self._update()

    def leave_run(self, run: Run) -> None:
        """Record that a stage ended."""
        with self._lock:
            if run.id in self._runs.runs:
                self._is_outdated = True
                self._runs.remove(run)
            self._release(run.cycle)
            if self._is_outdated:
                self._update()

    def fall_back_on(self, cycle: CycleRef) -> None:
        """Set the cycle that is passed on while no other is active."""
        with self._lock:
            self._is_outdated = True
            self._fallback = cycle
            self._update()

    def close(self) -> None:
        """Restore the environment."""
        with self._lock:
            self._is_outdated = True
            self._fallback = None
            self._cycles.clear()
            self._uses.clear()
            self._blocks.clear()
            self._runs = Chain()
            self._update()

    def _use(self, cycle: CycleRef) -> None:
        uses = self._uses.get(cycle.cycle_id, 0)
        if not uses:
            self._is_outdated = True
            self._cycles[cycle.cycle_id] = cycle
        self._uses[cycle.cycle_id] = uses + 1

    def _release(self, cycle: CycleRef) -> None:
        left = self._uses.get(cycle.cycle_id, 0) - 1
        if left > 0:
            self._uses[cycle.cycle_id] = left
        else:
            self._is_outdated = True
            self._uses.pop(cycle.cycle_id, None)
            self._cycles.pop(cycle.cycle_id, None)

    def _update(self) -> None:
        wanted = self._wanted()
        if wanted != self._handed:
            self._hand(wanted)
        self._is_outdated = False

    def _hand(self, wanted: tuple[str, str] | None) -> None:
        if self._handed is None:
            self._before = tuple(os.environ.get(name) for name in NAMES)
        values = self._before if wanted is None else wanted
        for name, value, was in zip(NAMES, values, self._handed or (None, None), strict=True):
            if value is None:
                os.environ.pop(name, None)
            elif value != was:
                os.environ[name] = value
        self._handed = wanted

    def _wanted(self) -> tuple[str, str] | None:
        if len(self._cycles) > 1:
            return None
        cycle = next(iter(self._cycles.values()), self._fallback)
        if cycle is None:
            return None
        return cycle.to_text(), traceparent(cycle, self._runs.innermost)


class Chain:
    """The running stages in the order of their starts, and whether each is directly inside the one before.

    A signal handler may interrupt any of this, so that a removal is begun again: its steps can be repeated.
    """

    def __init__(self) -> None:
        self.runs: dict[str, Run] = {}
        """By id."""
        self._before: dict[str, str | None] = {}
        self._after: dict[str, str | None] = {}
        self._last: str | None = None
        self._breaks: set[str] = set()
        """Stages that are not inside the one before."""

    def append(self, run: Run) -> None:
        """Add a stage that began."""
        self.runs[run.id] = run
        self._join(self._last, run.id)
        self._last = run.id

    def remove(self, run: Run) -> None:
        """Remove a stage that ended."""
        before, after = self._before.get(run.id), self._after.get(run.id)
        self._join(before, after)
        if self._last == run.id:
            self._last = before
        self._breaks.discard(run.id)
        del self.runs[run.id]
        self._before.pop(run.id, None)
        self._after.pop(run.id, None)

    @property
    def innermost(self) -> str | None:
        """The id of the innermost stage, or ``None`` if there is none, or they are not nested in one chain."""
        return None if self._breaks else self._last

    def _join(self, before: str | None, after: str | None) -> None:
        if before is not None:
            self._after[before] = after
        if after is not None:
            self._before[after] = before
            if before is not None and self.runs[after].enclosing != before:
                self._breaks.add(after)
            else:
                self._breaks.discard(after)


def environ(cycle: CycleRef | None, stage: str | None) -> dict[str, str]:
    """Return a copy of the environment that passes this cycle and stage on."""
    env = dict(os.environ)
    if cycle is not None:
        env[CYCLE_VARIABLE] = cycle.to_text()
        env[TRACEPARENT] = traceparent(cycle, stage)
    return env
