"""Metrics that take long to compute in a large store, which is done beside the exports."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from cycletrace._internal.collector.series import Metric
from cycletrace._internal.store import Location, Snapshot, open_reader

T = TypeVar("T")

PATIENCE = 0.2
"""Seconds that an export waits for what is computed beside it: in a large store that is as of an export before."""


class Beside:
    """Computes some metrics in a thread of its own, with a connection of its own, beside exports."""

    def __init__(self, store: Location, compute: Callable[[Snapshot, int, Beside], list[Metric]], share: float) -> None:
        """Compute metrics of a store, as of instants in UTC nanoseconds, within this part of one core's time."""
        self._store = store
        self._compute = compute
        self._share = share
        self._due = self._took = 0.0
        self._latest: list[Metric] = []
        self._running: Future[list[Metric]] | None = None
        self._is_closing = False
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="cycletrace-beside")

    def begin(self, now: int) -> Future[list[Metric]] | None:
        """Have the metrics computed as of an instant, unless they are, or were too recently.

        Returns:
            What runs, if it is worth waiting for: it took no longer than :data:`PATIENCE` the last time.
        """
        if self._running is None and time.monotonic() >= self._due:
            self._running = self._thread.submit(self._run, now)
        return self._running if self._took <= PATIENCE else None

    def latest(self) -> list[Metric]:
        """Return the newest metrics that are there; none while the first ones take long.

        Raises:
            Exception: whatever prevented the newest ones.
        """
        if self._running is not None and self._running.done():
            done, self._running = self._running, None
            self._latest = done.result()
        return self._latest

    def until_closed(self, some: Iterable[T]) -> Iterator[T]:
        """Yield what takes long to go through, as long as the collector runs."""
        for one in some:
            if self._is_closing:
                raise RuntimeError("the collector is shutting down")
            yield one

    def close(self) -> None:
        """End the thread, also in the middle of computing."""
        self._is_closing = True
        self._thread.shutdown()

    def _run(self, now: int) -> list[Metric]:
        began = time.monotonic()
        with open_reader(self._store) as store, store.read() as snapshot:
            metrics = self._compute(snapshot, now, self)
        self._took = time.monotonic() - began
        self._due = began + self._took / self._share
        return metrics
