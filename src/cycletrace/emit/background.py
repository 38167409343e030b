"""The one thread of ours: heartbeats of long stages, recovery of the journal, delivery.

It is a daemon, so it never holds up an exit beyond the budget; it never runs while the process forks.
"""

from __future__ import annotations

import errno
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

from cycletrace.conventions import STAGE_HEARTBEAT
from cycletrace.diagnostics import describe_error, log_once
from cycletrace.emit import loading
from cycletrace.journal.bound import trim

if TYPE_CHECKING:
    from cycletrace.emit.delivery.shipper import Shipper
    from cycletrace.emit.runtime import Runtime

HEARTBEAT = 60.0
"""Seconds between the heartbeats of a stage that runs."""
TICK = 0.25
"""Seconds between looks at what is to deliver: records leave within a second."""
IDLE_TICK = 1.0
"""Seconds between looks where nothing is delivered."""
TRIM_EVERY = 60.0
"""Seconds between looks at the size of all journals."""


class Worker:
    """Runs beside the program. Started, stood still around forks, stopped at exit."""

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
        """Whether its thread was started, and not told to stop for good."""

    def start(self) -> None:
        """Run, or go on after :meth:`stop`. Where no thread can be had, the next record asks again."""
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
        """Have the thread end, waiting for it no longer than ``budget`` seconds; at the last, deliver within them."""
        thread = self._thread
        self._deadline = time.monotonic() + budget
        self._is_last = is_last
        self._stop.set()
        self._wake.set()
        if thread is not None and thread is not threading.current_thread():
            thread.join(budget)

    def pause(self, budget: float) -> None:
        """Have the thread end before a fork, so that no lock of ours is held, and the process has one thread less.

        It is waited for no longer than ``budget`` seconds, and once more after an import that it may be in, which
        forks wait for anyway.
        """
        thread = self._thread
        if thread is None or not self.is_started:
            return
        self.stop(budget)
        if thread.is_alive() and loading.wait():
            thread.join(budget)
        # The interpreter counts the kernel's threads, and warns of a fork while a joined one is yet to vanish.
        task = Path(f"/proc/self/task/{thread.native_id}")
        deadline = time.monotonic() + budget
        while not thread.is_alive() and task.exists() and time.monotonic() < deadline:
            time.sleep(0)

    def deliver(self, budget: float) -> bool:
        """Deliver now, for at most ``budget`` seconds. ``True`` when all was delivered, or there is no endpoint."""
        shipper = self._find_shipper()
        if shipper is None:
            return True
        deadline = time.monotonic() + budget
        if not self._shipping.acquire(timeout=budget):
            return False
        try:
            self._runtime.writer.recover()
            return shipper.deliver_all(deadline) if self._runtime.ships else shipper.wait_for_others(deadline)
        except Exception as error:  # rule 1: whatever goes wrong here is ours
            log_once(f"Delivery failed: {describe_error(error)}")
            return False
        finally:
            self._shipping.release()

    def _run(self) -> None:
        while True:
            try:
                self._wake.wait(IDLE_TICK if self._is_idle() else TICK)
                self._wake.clear()
                if not self._stop.is_set():
                    self._tick()
                elif self._is_last:
                    self._is_last = False
                    self._deliver_last()
            except Exception as error:  # rule 1: whatever goes wrong here is ours
                # A program that becomes a daemon may close a file while it is read here: the next look opens it anew.
                if getattr(error, "errno", None) != errno.EBADF:
                    log_once(f"The background worker failed and goes on: {describe_error(error)}")
            with self._lock:
                # Told so in the midst of a delivery, it has yet to deliver the last.
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
                run.tell(STAGE_HEARTBEAT)

    def _find_shipper(self) -> Shipper | None:
        if not self._has_shipper:
            with loading.lock:
                from cycletrace.emit.delivery.destination import find

                destination = find(self._runtime.settings.endpoint)
                if destination is not None:
                    from cycletrace.emit.delivery.shipper import Shipper

                    self._shipper = Shipper(self._runtime.settings.directory, destination, self._runtime.writer)
            self._has_shipper = True
        return self._shipper
