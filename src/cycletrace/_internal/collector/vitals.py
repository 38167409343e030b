"""What the collector measures of itself. Its counters begin anew with its process, as those of other programs do."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache

from cycletrace import conventions as c
from cycletrace._internal.collector.instruments import (
    Instrument,
    Kind,
    Labels,
    Process,
    declared,
    instrument,
    sorted_labels,
)
from cycletrace._internal.collector.series import Metric, Point
from cycletrace._internal.otlp.result import Code, ExportResult
from cycletrace._internal.otlp.signals import Signal
from cycletrace._internal.store import Snapshot


class Vitals:
    """Counts what happens. Each series is counted by one thread, any thread may read."""

    def __init__(self) -> None:
        self._start = time.time_ns()
        self._totals: Counter[tuple[str, Labels]] = Counter()
        self.gauges: dict[str, Callable[[], float]] = {}
        """What reads a gauge, by its name. It must be safe in any thread."""

    def count_request(self, signal: Signal, result: ExportResult) -> None:
        """Count a request that was answered."""
        self._totals[c.COLLECTOR_REQUESTS, _outcome(signal, result.code)] += 1

    def count_forwarded(self, signal: Signal, result: ExportResult) -> None:
        """Count a request that was sent to a backend."""
        self._totals[c.COLLECTOR_FORWARDED, _outcome(signal, result.code)] += 1

    def count_commit(self, records: int, nanoseconds: int) -> None:
        """Count a transaction that made this many records of requests durable, and how long it took."""
        self._totals[c.COLLECTOR_COMMITS, ()] += 1
        self._totals[c.COLLECTOR_COMMIT_TIME, ()] += nanoseconds
        self._totals[c.COLLECTOR_RECORDS, ()] += records

    def metrics(self, stored: Mapping[str, int]) -> Iterator[Metric]:
        """Yield all of them, those that are read from the store as far as they are known."""
        totals = dict(self._totals)
        for one, _ in declared(Process):
            yield Metric(one, list(self._points(one, totals, stored)))

    def _points(
        self, one: Instrument, totals: Mapping[tuple[str, Labels], int], stored: Mapping[str, int]
    ) -> Iterator[Point]:
        if one.kind is Kind.GAUGE:
            if one.name in self.gauges:
                yield Point((), self.gauges[one.name]())
            elif one.name in stored:
                yield Point((), stored[one.name])
            return
        found = {labels: total for (name, labels), total in totals.items() if name == one.name}
        if not one.labels:
            found.setdefault((), 0)
        for labels in sorted(found):
            yield Point(labels, one.in_unit(found[labels]), self._start)


def stored(snapshot: Snapshot, now: int) -> dict[str, int]:
    """Return the gauges that are read from the store, as of an instant (UTC nanoseconds)."""
    return {c.COLLECTOR_DUE: snapshot.due_cycles(now), c.COLLECTOR_OUTBOX: snapshot.outbox_size()}


@lru_cache(maxsize=64)
def _outcome(signal: Signal, code: int) -> Labels:
    name = Code(code).name if code in set(Code) else str(code)
    labels = dict(zip(instrument(c.COLLECTOR_REQUESTS).labels, (signal.name, name), strict=True))
    return sorted_labels(labels)
