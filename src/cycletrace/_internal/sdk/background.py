"""The background worker, a thread: heartbeats of long stages, recovery of the journal, delivery.

It is a daemon thread, so it delays an exit by no more than the budget, and it never runs during a fork.
"""

from __future__ import annotations

import errno
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from opentelemetry import context as otel_context
from opentelemetry.context import (
    _SUPPRESS_HTTP_INSTRUMENTATION_KEY,  # pyright: ignore[reportPrivateUsage]
    _SUPPRESS_INSTRUMENTATION_KEY,  # pyright: ignore[reportPrivateUsage]
)

from cycletrace._internal import loading
from cycletrace._internal.diagnostics import describe_error, log_once
from cycletrace._internal.journal.bound import trim
from cycletrace.conventions import STAGE_HEARTBEAT

if TYPE_CHECKING:
    from cycletrace._internal.delivery.shipper import Shipper
    from cycletrace._internal.sdk.runtime import Runtime

HEARTBEAT = 60.0
"""Seconds between the heartbeats of a running stage."""
TICK = 0.25
"""Seconds between checks for records to deliver, so that records leave within a second."""
IDLE_TICK = 1.0
"""Seconds between checks if this process does not deliver."""
TRIM_EVERY = 60.0
"""Seconds between checks of the total size of the journals."""


class Worker:
    """The background thread. It is paused around forks and stopped at exit."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._stop = threading.Event()
        self._wake = threading.Event()
        self._deadline = 0.0
        self._is_last = False
        self._next_trim = 0.0
        self._next_beats: dict[str, float] = {}
        self._shipping = threading.Lock()
        self._shipper: Shipper | None = None
        self._has_shipper = False
        self.is_started = False
        """True if its thread was started and not stopped for good."""

    def start(self) -> None:
        """Start, or continue after :meth:`stop`. If no thread can be created, the next record tries again."""
        with self._lock:
            self._stop.clear()
            if self._thread is None:
                thread = threading.Thread(target=self._run, name="cycletrace", daemon=True)
                try:
                    thread.start()
                except RuntimeError:
                    return
                self._thread = thread
            self.is_started = True

    def stop(self, budget: float, *, is_last: bool = False) -> None:
        """Stop the thread, waiting at most ``budget`` seconds. If ``is_last``, deliver within that time."""
        thread = self._thread
        self._deadline = time.monotonic() + budget
        self._is_last = is_last
        self._stop.set()
        self._wake.set()
        if thread is not None and thread is not threading.current_thread():
            thread.join(budget)

    def pause(self, budget: float) -> None:
        """Stop the thread before a fork, so that it holds no lock and does not count as a thread.

        Wait at most ``budget`` seconds, and again after an import that it may be in, which forks wait for anyway.
        """
        thread = self._thread
        if thread is None or not self.is_started:
            return
        self.stop(budget)
        if thread.is_alive() and loading.wait():
            thread.join(budget)
        # The interpreter counts the kernel's threads, and warns about a fork until a joined thread has disappeared.
        task = Path(f"/proc/self/task/{thread.native_id}")
        deadline = time.monotonic() + budget
        while not thread.is_alive() and task.exists() and time.monotonic() < deadline:
            time.sleep(0)

    def hold(self) -> None:
        """Deliver nothing until :meth:`release`, for callers that must know what becomes of their own record."""
        self._shipping.acquire()

    def release(self) -> None:
        """Deliver again, after :meth:`hold`."""
        self._shipping.release()

    def deliver(self, budget: float) -> bool:
        """Deliver now, within ``budget`` seconds. Return ``True`` if all was delivered or no endpoint is set.

        A thread of its own does it, so that an exception of a signal handler interrupts only the wait for it: between
        here and the endpoint are libraries that would take it for one of the connection's.
        """
        results: list[bool] = []
        thread = threading.Thread(target=lambda: results.append(self._deliver(budget)), name="flush", daemon=True)
        try:
            thread.start()
        except RuntimeError:  # no thread can be created
            return self._deliver(budget)
        thread.join()
        return bool(results and results[0])

    def _deliver(self, budget: float) -> bool:
        shipper = self._find_shipper()
        if shipper is None:
            return True
        deadline = time.monotonic() + budget
        if not self._shipping.acquire(timeout=budget):
            return False
        try:
            self._runtime.writer.recover()
            with uninstrumented():
                if shipper.wait_for_others(deadline, lambda: not self._runtime.ships):
                    return True
                return self._runtime.ships and shipper.deliver_all(deadline)
        except Exception as error:  # telemetry never changes the program
            log_once(f"Delivery failed: {describe_error(error)}")
            return False
        finally:
            self._shipping.release()

    def _run(self) -> None:
        with uninstrumented():
            self._loop()

    def _loop(self) -> None:
        while True:
            try:
                self._wake.wait(IDLE_TICK if self._is_idle() else TICK)
                self._wake.clear()
                if not self._stop.is_set():
                    self._tick()
                elif self._is_last:
                    self._is_last = False
                    self._deliver_last()
            except Exception as error:  # telemetry never changes the program
                # A program that becomes a daemon may close a file while it is read here: it is reopened later.
                if getattr(error, "errno", None) != errno.EBADF:
                    log_once(f"The background worker failed and continues: {describe_error(error)}")
            with self._lock:
                # If stopped during a delivery, it still has to make the last one.
                if self._stop.is_set() and not self._is_last:
                    self._thread = None
                    return

    def _tick(self) -> None:
        self._beat()
        self._runtime.writer.recover()
        if time.monotonic() >= self._next_trim:
            trim(self._runtime.settings.directory, self._runtime.settings.journal_limit)
            self._next_trim = time.monotonic() + TRIM_EVERY
        shipper = self._find_shipper()
        if shipper is not None and self._runtime.ships and self._shipping.acquire(blocking=False):
            try:
                shipper.deliver_some(self._stop)
            finally:
                self._shipping.release()

    def _deliver_last(self) -> None:
        shipper = self._find_shipper()
        if shipper is not None and self._runtime.ships and self._shipping.acquire(blocking=False):
            try:
                shipper.deliver_last(self._deadline)
            finally:
                self._shipping.release()

    def _is_idle(self) -> bool:
        """Return whether this process certainly delivers nothing. Never raises, so that the thread never spins."""
        return not self._runtime.ships or (self._has_shipper and self._shipper is None)

    def _beat(self) -> None:
        now = time.monotonic()
        next_beats = self._next_beats
        running = self._runtime.running.copy()
        for run_id in next_beats.keys() - running.keys():
            del next_beats[run_id]
        for run_id, run in running.items():
            if now >= next_beats.setdefault(run_id, now + HEARTBEAT):
                next_beats[run_id] = now + HEARTBEAT
                run.write_event(STAGE_HEARTBEAT)

    def _find_shipper(self) -> Shipper | None:
        if not self._has_shipper:
            with loading.lock:
                from cycletrace._internal.delivery.destination import find

                destination = find(self._runtime.settings.endpoint)
                if destination is not None:
                    from cycletrace._internal.delivery.shipper import Shipper

                    self._shipper = Shipper(self._runtime.settings.directory, destination, self._runtime.writer)
            self._has_shipper = True
        return self._shipper


@contextmanager
def uninstrumented() -> Generator[None, None, None]:
    """Keep OpenTelemetry's instrumentations from making spans of what is sent meanwhile."""
    inside = otel_context.set_value(_SUPPRESS_INSTRUMENTATION_KEY, True)
    inside = otel_context.set_value(_SUPPRESS_HTTP_INSTRUMENTATION_KEY, True, inside)
    token = otel_context.attach(inside)
    try:
        yield
    finally:
        otel_context.detach(token)
