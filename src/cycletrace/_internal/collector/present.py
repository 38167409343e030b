"""Gauges of what is open and what runs now, from the facts that the store keeps."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from cycletrace import conventions as words
from cycletrace._internal.collector.instruments import CYCLE_OLDEST_AGE, CYCLE_OPEN, STAGE_ACTIVE, Instrument, Labels
from cycletrace._internal.collector.observing import labels_of
from cycletrace._internal.collector.point import Metric, gauge
from cycletrace._internal.collector.series import OVERFLOWING, SECOND
from cycletrace._internal.flow import Facts, is_counted
from cycletrace._internal.store import Snapshot


class _Open(NamedTuple):
    """What the gauges need of an open cycle."""

    labels: Labels
    started: int | None
    running: tuple[Labels, ...]
    """A stage each."""


class Present:
    """Remembers the open cycles, so that only those that were folded anew are read. For one thread at a time."""

    def __init__(self, limit: int) -> None:
        """``limit`` bounds the sets of labels of each gauge, the overflowing one included."""
        self._limit = limit
        self._open: dict[str, tuple[int, _Open | None]] = {}
        """By id: the instant of the fold, and the cycle where it counts in a population."""
        self._known: dict[str, dict[Labels, None]] = {}

    def gauges(self, snapshot: Snapshot, now: int) -> Iterator[Metric]:
        """The gauges as of an instant (UTC nanoseconds)."""
        self._read(snapshot)
        cycles = [one for _, one in self._open.values() if one is not None]
        yield self._gauge(CYCLE_OPEN, Counter(one.labels for one in cycles), sum)
        ages: dict[Labels, float] = {one.labels: 0.0 for one in cycles}
        for one in cycles:
            if one.started is not None:
                ages[one.labels] = max(ages[one.labels], (now - one.started) / SECOND)
        yield self._gauge(CYCLE_OLDEST_AGE, ages, max)
        yield self._gauge(STAGE_ACTIVE, Counter(stage for one in cycles for stage in one.running), sum)

    def _read(self, snapshot: Snapshot) -> None:
        kept: dict[str, tuple[int, _Open | None]] = {}
        for cycle_id, folded in snapshot.open_cycles().items():
            known = self._open.get(cycle_id)
            if known is not None and folded in {known[0], None}:  # None: it will be folded anew, and stays until then
                kept[cycle_id] = known
            elif folded is not None and (facts := snapshot.kept_facts(cycle_id)) is not None:
                kept[cycle_id] = folded, _open(facts)
        self._open = kept

    def _gauge(
        self, instrument: Instrument, values: Mapping[Labels, float], together: Callable[[list[float]], float]
    ) -> Metric:
        """A gauge that goes on at zero where nothing is left, and adds up what is beyond the limit."""
        known = self._known.setdefault(instrument.name, {})
        beyond: list[float] = []
        for labels, value in values.items():
            if labels not in known and len(known) < self._limit - 1:
                known[labels] = None
            if labels not in known:
                beyond.append(value)
        told: list[tuple[Labels, float]] = [(labels, values.get(labels, 0)) for labels in sorted(known, key=repr)]
        if beyond:
            told.append((OVERFLOWING, together(beyond)))
        return gauge(instrument, told)


def _open(facts: Facts) -> _Open | None:
    """Return what the gauges need of a cycle, ``None`` where it counts in no population."""
    if not is_counted(facts):
        return None
    running = tuple(
        labels_of(facts, stage=stage["name"], kind=stage["kind"], actor=stage["actor"])
        for stage in facts["stages"]
        if stage["end"] is None
    )
    return _Open(labels_of(facts), facts["marks"][words.STARTED], running)
