"""The state of a process: settings, journal, background worker. Created on first use, and anew in forked children."""

from __future__ import annotations

import atexit
import os
import sys
import threading
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import cache
from typing import TYPE_CHECKING, Any

from cycletrace._internal import loading
from cycletrace._internal.diagnostics import never_raise
from cycletrace._internal.journal.documents import SpanDocument, make_event, make_span
from cycletrace._internal.journal.format import frame
from cycletrace._internal.journal.writer import Writer
from cycletrace._internal.sdk import fork_warning, job, launch, program, settings
from cycletrace._internal.sdk.current import CURRENT
from cycletrace._internal.sdk.cycles import CycleRef, implicit
from cycletrace._internal.sdk.env_propagation import EnvPropagation
from cycletrace._internal.sdk.ids import Source
from cycletrace._internal.sdk.inherited import Inherited, find_inherited
from cycletrace._internal.sdk.roots import Roots
from cycletrace._version import __version__

if TYPE_CHECKING:
    from cycletrace._internal.sdk.background import Worker
    from cycletrace._internal.sdk.runs import Run

EXIT_BUDGET = 1.9
"""Seconds that an exit waits for delivery, so that a hanging endpoint costs at most two in total."""
FORK_BUDGET = 0.05
"""Seconds that a fork waits for the background worker to stop."""


class Runtime:
    """The state of this process, one per pid. ``running`` holds its unfinished runs."""

    def __init__(
        self,
        chosen: settings.Settings,
        source: Source,
        inherited: Inherited | None = None,
        forked_from: int | None = None,
    ) -> None:
        self.settings = chosen
        self.source = source
        self.launch = chosen.launch or launch.find()
        self.job = job.find()
        self._cycles_of_job: set[str] = set()
        self.world = source.world()
        rank = None if self.world is None else self.world.rank
        self.records_errors_only = rank is not None and rank > 0
        """True for a rank whose work the first rank records: it records what failed here alone."""
        self.running: dict[str, Run] = {}
        self.unfinished: deque[Callable[[], None]] = deque()
        """What records the ends of runs and waits where the stack had no room for it."""
        self._versions_seen: set[str] = set()
        self.is_abandoned = False
        self.pid = os.getpid()
        self._forked_from = forked_from
        self.inherited = inherited or find_inherited(chosen.namespace)
        self.implicit_cycle: CycleRef | None = None
        self._lock = threading.Lock()
        self._worker: Worker | None = None
        self.propagation = EnvPropagation()
        inherited_cycle = self.inherited.cycle.cycle_id if self.inherited else None
        self.writer = Writer(chosen.directory, resource(), source.now, source.new_id(), inherited_cycle)
        self.roots = Roots(includes_named=chosen.root == "sdk" and not self.records_errors_only)

    def here_cycle(self, script: str | None = None) -> CycleRef:
        """Return the default cycle: the innermost, else the inherited, else an implicit one.

        An implicit one is named after ``script``, by default that of this program.
        """
        cycle = CURRENT.get().cycle
        if cycle is not None:
            return cycle
        if self.inherited is not None:
            return self.inherited.cycle
        if self.implicit_cycle is None:
            with self._lock:
                if self.implicit_cycle is None:
                    self.implicit_cycle = self._make_implicit(script)
        return self.implicit_cycle

    def _make_implicit(self, script: str | None) -> CycleRef:
        now = self.source.now()
        shared_id = self.shared_id
        cycle = implicit(self.settings.namespace, now, self.source.new_id()[-6:], shared_id, script)
        if shared_id is None or (not program.is_worker() and (self.world is None or self.world.is_first)):
            self.roots.own(cycle, now)
        else:  # its extent is known to another process, or to none
            self.writer.inherit(cycle.cycle_id)
        self.propagation.fall_back_on(cycle)
        return cycle

    @property
    def shared_id(self) -> str | None:
        """What the processes of this run of the program have in common, in their world or among its workers."""
        return (None if self.world is None else self.world.id) or self.source.program()

    def known_cycle(self) -> CycleRef | None:
        """Return the current cycle, or ``None``; never creates one."""
        return CURRENT.get().cycle or (self.inherited.cycle if self.inherited else self.implicit_cycle)

    def enclosing_stage(self, cycle: CycleRef) -> str | None:
        """Return the id of the enclosing stage of this cycle, in this or the parent process, or ``None``."""
        here = CURRENT.get()
        run = here.run_of(cycle)
        if run is not None:
            return run.id
        around = here.attached or self.inherited
        if around is not None and around.cycle.cycle_id == cycle.cycle_id:
            return around.stage
        return None

    def job_stage(self, cycle: CycleRef) -> str | None:
        """Return the id of this process's job as a stage of the cycle, or ``None``."""
        if self.job is None:
            return None
        if cycle.cycle_id not in self._cycles_of_job and not self.records_errors_only:
            self._cycles_of_job.add(cycle.cycle_id)
            job.record_wait(self, cycle)
        return self.job.stage_id(cycle.cycle_id)

    def begin_training(self, cycle: CycleRef) -> None:
        """Let a cycle that was begun in this worktree take the version that is being trained."""
        if cycle.words["version"] is not None and cycle.cycle_id not in self._versions_seen:
            self._versions_seen.add(cycle.cycle_id)
            from cycletrace._internal.sdk.started import take_version

            take_version(self, cycle)

    def write_event(self, cycle: CycleRef, event: str, span_id: str, at: int, attributes: Mapping[str, Any]) -> None:
        """Write an event of this cycle to the journal."""
        document = make_event(
            event,
            trace_id=cycle.cycle_id,
            span_id=span_id,
            time=at,
            service=cycle.service,
            namespace=cycle.namespace,
            attributes={**attributes, **cycle.attributes},
        )
        self.writer.write(frame(document))
        self.ensure_worker()

    def write_span(
        self,
        cycle: CycleRef,
        name: str,
        span_id: str,
        start: int,
        end: int,
        attributes: Mapping[str, Any],
        parent: str | None = None,
        error: str | None = None,
    ) -> None:
        """Journal a span of this cycle, and pass it to the user's span processors. ``parent`` defaults to the root."""
        document = make_span(
            name,
            trace_id=cycle.cycle_id,
            span_id=span_id,
            parent=parent or cycle.root_id,
            start=start,
            end=end,
            service=cycle.service,
            namespace=cycle.namespace,
            attributes={**attributes, **cycle.attributes},
            error=error,
        )
        self.roots.extend(cycle, start, end, document["attributes"])
        self._write(document)
        self.ensure_worker()

    def _write(self, document: SpanDocument) -> None:
        self.writer.write(frame(document))
        if self.settings.span_processors:
            from cycletrace._internal.sdk.processors import hand_over

            hand_over(document, self.writer.resource, self.settings.span_processors)

    def ensure_worker(self) -> Worker:
        """Return the background worker of this process, running."""
        worker = self._worker
        if worker is None or not worker.is_started:
            with loading.lock:
                if self._worker is None:
                    from cycletrace._internal.sdk.background import Worker

                    self._worker = Worker(self)
                worker = self._worker
                worker.start()
        return worker

    @property
    def ships(self) -> bool:
        """True if this process delivers. A forked child does not while its parent is alive."""
        return self._forked_from is None or os.getppid() != self._forked_from

    def finish_rest(self) -> None:
        """Record the ends for which the stack had no room, as far as it has now."""
        for _ in range(len(self.unfinished)):
            finish = self.unfinished.popleft()
            try:
                finish()
            except RecursionError:
                self.unfinished.append(finish)

    def close(self) -> None:
        """Finish at exit: end the journal, and make one bounded attempt to deliver."""
        self.finish_rest()
        self.propagation.close()
        if not self.running:  # else whoever ends their stages also writes the root
            for root in self.roots.take():
                self._write(root)
        self.writer.recover()
        self.writer.close(orderly=not self.running)
        if self._worker is not None:
            self._worker.stop(EXIT_BUDGET, is_last=True)

    def pause(self) -> None:
        """Stop our thread before a fork, so that the child does not inherit its locks."""
        fork_warning.restore()
        if self._worker is not None:
            self._worker.pause(FORK_BUDGET)

    def resume(self) -> None:
        """Continue after a fork."""
        if self._worker is not None and self._worker.is_started:
            fork_warning.suppress_if_alone()
            self._worker.start()

    def abandon(self) -> None:
        """Release the parent's state in a forked child: stages, journal and delivery stay with the parent."""
        self.is_abandoned = True
        self.running.clear()
        self.writer.abandon()


def resource() -> dict[str, Any]:
    """Return the resource attributes of this process, without service name and namespace, which vary by record."""
    from opentelemetry.sdk.version import __version__ as sdk_version

    return {
        "telemetry.sdk.language": "python",
        "telemetry.sdk.name": "opentelemetry",
        "telemetry.sdk.version": sdk_version,
        "telemetry.distro.name": "cycletrace",
        "telemetry.distro.version": __version__,
        **settings.resource_attributes(),
    }


_runtime: Runtime | None = None
_is_made = False
_source = Source()


def runtime() -> Runtime | None:
    """Return the runtime of this process, or ``None`` if disabled. Never raises outside strict mode."""
    return _runtime if _is_made else _make()


def _make() -> Runtime | None:
    global _runtime, _is_made
    with loading.lock:  # no fork happens while a runtime is being created
        if not _is_made:
            _runtime = _start()
            _is_made = True
        return _runtime


@never_raise
def _start() -> Runtime | None:
    chosen = settings.read()
    if not chosen.enabled:
        return None
    made = Runtime(chosen, _source)
    _hook()
    return made


@cache
def _hook() -> None:
    """Register the hooks for exit and fork, once for a process and its forks."""
    atexit.register(_at_exit)
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(before=_before_fork, after_in_parent=_after_in_parent, after_in_child=_in_child)


def reset(source: Source | None = None) -> None:
    """Start over with the current settings, for ``configure`` and tests."""
    global _runtime, _is_made, _source
    old, _runtime, _is_made = _runtime, None, False
    loading.forget()
    if source is not None:
        _source = source
    if old is not None:
        old.close()


@never_raise
def flush(timeout: float) -> bool:
    """Deliver now, within this many seconds. Return ``True`` if nothing is left to deliver."""
    state = runtime()
    return True if state is None else state.ensure_worker().deliver(timeout)


def _at_exit() -> None:
    if _runtime is not None:
        _runtime.close()
    if getattr(sys, "last_type", None) is KeyboardInterrupt:
        # The interpreter notes that Ctrl-C ended the program, to die by SIGINT as its parent expects. Evaluating code
        # at exit (as defining a named tuple does) clears that note, so set it again.
        with suppress(KeyboardInterrupt):
            exec("raise KeyboardInterrupt")  # noqa: S102 - a constant


def _before_fork() -> None:
    if _runtime is not None:
        _runtime.pause()


def _after_in_parent() -> None:
    if _runtime is not None:
        _runtime.resume()


def _in_child() -> None:
    global _runtime
    old, _runtime = _runtime, None
    if old is not None:
        old.abandon()
        # The child continues the cycle that its parent inherited or created.
        inherited = old.inherited or (Inherited(old.implicit_cycle) if old.implicit_cycle else None)
        _runtime = Runtime(old.settings, old.source, inherited, old.pid)
