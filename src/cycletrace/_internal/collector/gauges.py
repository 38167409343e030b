"""Gauges of what is open now."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import NamedTuple, TypeAlias
from weakref import WeakValueDictionary

from cycletrace._internal.collector.instruments import Instrument, Labels, OpenCycles, cycle_labels, declared
from cycletrace._internal.collector.series import OVERFLOWING, Metric, Point
from cycletrace._internal.flow import Facts, is_counted
from cycletrace._internal.store import Snapshot

Passed: TypeAlias = Callable[[Iterable[tuple[str, int | None]]], Iterable[tuple[str, int | None]]]


class _Series:
    """A metric and labels, and the values of the cycles that add to it, while they are combined."""

    __slots__ = ("__weakref__", "labels", "metric", "values")

    def __init__(self, metric: str, labels: Labels) -> None:
        self.metric = metric
        self.labels = labels
        self.values: list[int | None] = []


class _Open(NamedTuple):
    """What an open cycle adds to which series, as of its fold at an instant. Small, as there may be a million."""

    cycle_id: str
    folded: int
    series: tuple[_Series, ...]
    values: tuple[int | None, ...]


class OpenGauges:
    """The gauges of open cycles. Remembers them, so that only those folded anew are read. For one thread at a time."""

    def __init__(self, limit: int) -> None:
        """Begin without cycles. ``limit`` bounds the label sets of each gauge, including the overflow one."""
        self._limit = limit
        self._cycles: dict[str, _Open] = {}
        self._series: WeakValueDictionary[tuple[str, Labels], _Series] = WeakValueDictionary()
        """Shared, so that a million cycles do not each have their own labels."""
        self._known: dict[str, dict[Labels, None]] = defaultdict(dict)

    def metrics(self, snapshot: Snapshot, now: int, passed: Passed = iter) -> Iterator[Metric]:
        """Yield the gauges as of an instant (UTC nanoseconds).

        A label set goes on at zero when nothing is left of it; those beyond the limit are combined. ``passed`` passes
        on the open cycles, and may stop.
        """
        self._update(snapshot, passed)
        for series in self._series.values():
            series.values = []
        for one in self._cycles.values():
            for series, value in zip(one.series, one.values, strict=True):
                series.values.append(value)
        found: dict[str, dict[Labels, list[int | None]]] = defaultdict(dict)
        for series in self._series.values():
            if series.values:
                found[series.metric][series.labels] = series.values
        for instrument, source in declared(OpenCycles):
            yield Metric(instrument, list(self._points(instrument, source, found[instrument.name], now)))

    def _points(
        self, instrument: Instrument, source: OpenCycles, found: Mapping[Labels, list[int | None]], now: int
    ) -> Iterator[Point]:
        known = self._known[instrument.name]
        beyond: list[int | None] = []
        for labels, some in found.items():
            if labels not in known and len(known) < self._limit - 1:
                known[labels] = None
            if labels not in known:
                beyond += some
        by_labels = [(labels, found.get(labels, [])) for labels in sorted(known, key=repr)]
        if beyond:
            by_labels.append((OVERFLOWING, beyond))
        for labels, some in by_labels:
            yield Point(labels, instrument.in_unit(source.combine(some, now)))

    def _update(self, snapshot: Snapshot, passed: Passed) -> None:
        kept: dict[str, _Open] = {}
        shared: dict[tuple[_Series, ...], tuple[_Series, ...]] = {}
        for cycle_id, folded in passed(snapshot.open_cycles()):
            known = self._cycles.get(cycle_id)
            if known is not None and folded in (
                known.folded,
                None,
            ):  # None: it will be folded anew, and stays until then
                kept[known.cycle_id] = known
            elif folded is not None and (facts := snapshot.kept_facts(cycle_id)) is not None:
                readings = list(self._readings(facts))
                series = tuple(one for one, _ in readings)
                values = tuple(value for _, value in readings)
                kept[cycle_id] = _Open(cycle_id, folded, shared.setdefault(series, series), values)
        self._cycles = kept

    def _readings(self, facts: Facts) -> Iterator[tuple[_Series, int | None]]:
        """Yield what an open cycle adds to the gauges: nothing where it counts in no population."""
        if is_counted(facts):
            for instrument, source in declared(OpenCycles):
                for values, value in source.values(facts):
                    key = instrument.name, cycle_labels(instrument, facts, values)
                    series = self._series.get(key)
                    if series is None:
                        series = self._series[key] = _Series(*key)
                    yield series, value
