"""Gauges of what is open now, which are computed at each export."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import NamedTuple

from cycletrace._internal.collector.instruments import Labels, OpenCycles, cycle_labels, declared
from cycletrace._internal.collector.series import OVERFLOWING, Metric, Point
from cycletrace._internal.flow import Facts, is_counted
from cycletrace._internal.store import Snapshot


class _Reading(NamedTuple):
    """A value that an open cycle adds to a metric."""

    metric: str
    labels: Labels
    value: int | None


class OpenGauges:
    """The gauges of open cycles. Remembers them, so that only those folded anew are read. For one thread at a time."""

    def __init__(self, limit: int) -> None:
        """Begin without cycles. ``limit`` bounds the label sets of each gauge, including the overflow one."""
        self._limit = limit
        self._cycles: dict[str, tuple[int, list[_Reading]]] = {}
        """By id: the instant of the fold, and what the cycle adds."""
        self._known: dict[str, dict[Labels, None]] = defaultdict(dict)

    def metrics(self, snapshot: Snapshot, now: int) -> Iterator[Metric]:
        """Yield the gauges as of an instant (UTC nanoseconds).

        A label set goes on at zero when nothing is left of it; those beyond the limit are combined.
        """
        self._update(snapshot)
        values: dict[str, dict[Labels, list[int | None]]] = defaultdict(lambda: defaultdict(list))
        for _, readings in self._cycles.values():
            for metric, labels, value in readings:
                values[metric][labels].append(value)
        for instrument, source in declared(OpenCycles):
            known, found = self._known[instrument.name], values[instrument.name]
            beyond: list[int | None] = []
            for labels, some in found.items():
                if labels not in known and len(known) < self._limit - 1:
                    known[labels] = None
                if labels not in known:
                    beyond += some
            by_labels = [(labels, found.get(labels, [])) for labels in sorted(known, key=repr)]
            if beyond:
                by_labels.append((OVERFLOWING, beyond))
            points = [Point(labels, instrument.in_unit(source.combine(some, now))) for labels, some in by_labels]
            yield Metric(instrument, points)

    def _update(self, snapshot: Snapshot) -> None:
        kept: dict[str, tuple[int, list[_Reading]]] = {}
        for cycle_id, folded in snapshot.open_cycles().items():
            known = self._cycles.get(cycle_id)
            if known is not None and folded in {known[0], None}:  # None: it will be folded anew, and stays until then
                kept[cycle_id] = known
            elif folded is not None and (facts := snapshot.kept_facts(cycle_id)) is not None:
                kept[cycle_id] = folded, list(_readings(facts))
        self._cycles = kept


def _readings(facts: Facts) -> Iterator[_Reading]:
    """Yield what an open cycle adds to the gauges: nothing where it counts in no population."""
    if is_counted(facts):
        for instrument, source in declared(OpenCycles):
            for values, value in source.values(facts):
                yield _Reading(instrument.name, cycle_labels(instrument, facts, values), value)
