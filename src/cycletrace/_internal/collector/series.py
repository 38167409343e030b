"""The series of metrics: what is kept of cumulative ones, in exact integers, and the points that are exported."""

from __future__ import annotations

import json
import logging
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from cycletrace._internal.collector.instruments import BOUNDS, Instrument, Kind, Labels, Observation, cumulative
from cycletrace._internal.flow.rules import SECOND
from cycletrace.conventions import OVERFLOW

_log = logging.getLogger("cycletrace.collector")

OVERFLOWING: Labels = ((OVERFLOW, True),)
"""The series that takes what no longer gets one of its own."""

_BOUNDS_NS = [bound * SECOND for bound in BOUNDS]


class Exemplar(NamedTuple):
    """A cycle that a value came from; ``at`` is UTC nanoseconds."""

    value: float
    at: int
    trace_id: str
    span_id: str


class Series(NamedTuple):
    """The sum of the observations with one label set, and their ``number``.

    ``total`` is nanoseconds or a count, ``buckets`` is empty except for histograms. ``exemplars`` holds the latest of
    each bucket, of a counter the latest under 0.
    """

    start: int
    total: int = 0
    number: int = 0
    buckets: tuple[int, ...] = ()
    exemplars: Mapping[int, Exemplar] = {}


SeriesKey = tuple[str, Labels]


class Point(NamedTuple):
    """One series as it is exported, in the unit of its metric.

    ``value`` is the sum for a histogram; ``start`` is ``None`` for a gauge.
    """

    labels: Labels
    value: float
    start: int | None = None
    number: int = 0
    buckets: tuple[int, ...] = ()
    exemplars: Mapping[int, Exemplar] = {}


class Metric(NamedTuple):
    """One metric with all its series."""

    instrument: Instrument
    points: list[Point]


def to_rows(series: Mapping[SeriesKey, Series]) -> Iterator[tuple[str, str, str]]:
    """Yield each series as the store keeps it: metric, labels and state, the same text for the same labels."""
    for (metric, labels), state in series.items():
        yield metric, json.dumps(labels, separators=(",", ":")), json.dumps(state, separators=(",", ":"))


def from_rows(rows: Iterable[tuple[str, str, str]]) -> dict[SeriesKey, Series]:
    """Return the series that :func:`to_rows` yielded."""
    return {
        (metric, tuple((name, value) for name, value in json.loads(labels))): _from_text(state)
        for metric, labels, state in rows
    }


def _from_text(text: str) -> Series:
    start, total, number, buckets, exemplars = json.loads(text)
    return Series(
        start,
        total,
        number,
        tuple(buckets),
        {int(index): Exemplar(*exemplar) for index, exemplar in exemplars.items()},
    )


def cumulative_metrics(series: Mapping[SeriesKey, Series]) -> Iterator[Metric]:
    """Yield all metrics whose state is kept, each with its series in the order of their labels."""
    by_name: dict[str, list[tuple[Labels, Series]]] = defaultdict(list)
    for (name, labels), state in series.items():
        by_name[name].append((labels, state))
    for instrument in cumulative():  # a later version may have kept metrics that this one does not declare
        points = [_point(instrument, labels, state) for labels, state in by_name[instrument.name]]
        yield Metric(instrument, sorted(points, key=lambda point: repr(point.labels)))


def _point(instrument: Instrument, labels: Labels, state: Series) -> Point:
    exemplars = {
        index: exemplar._replace(value=instrument.in_unit(exemplar.value))
        for index, exemplar in state.exemplars.items()
    }
    return Point(labels, instrument.in_unit(state.total), state.start, state.number, state.buckets, exemplars)


class Accumulator:
    """All series. Changes are held back until they are durable: nothing is exported that a crash could undo."""

    def __init__(self, limit: int, series: Mapping[SeriesKey, Series] | None = None) -> None:
        """Go on from these series. ``limit`` bounds the label sets of each metric, including the overflow one."""
        self._limit = limit
        self._series: dict[SeriesKey, Series] = dict(series or {})
        self._changed: dict[SeriesKey, Series] = {}
        self._warned: set[str] = set()
        self._sizes = Counter(name for name, _ in self._series)

    @property
    def series(self) -> Mapping[SeriesKey, Series]:
        """The durable series. Replaced as a whole, never changed: safe to read from any thread."""
        return self._series

    @property
    def changed(self) -> Mapping[SeriesKey, Series]:
        """The series that are yet to be made durable."""
        return self._changed

    def total(self, name: str) -> int:
        """Return the sum of a counter without labels, with what is yet to be made durable."""
        known = self._changed.get((name, ())) or self._series.get((name, ()))
        return 0 if known is None else known.total

    def add(self, observations: Iterable[Observation], at: int, exemplar: tuple[str, str] | None = None) -> None:
        """Add observations made at this instant; ``exemplar`` is the trace and span id of their cycle."""
        for instrument, labels, value in observations:
            key = self._room_for(instrument, labels)
            series = self._get(key, instrument, at)
            index = bisect_left(_BOUNDS_NS, value) if instrument.kind is Kind.HISTOGRAM else 0
            exemplars = series.exemplars
            if exemplar is not None and (value or instrument.kind is Kind.HISTOGRAM):
                exemplars = {**exemplars, index: Exemplar(value, at, *exemplar)}
            buckets = series.buckets
            if instrument.kind is Kind.HISTOGRAM:
                buckets = (*buckets[:index], buckets[index] + 1, *buckets[index + 1 :])
            self._changed[key] = Series(series.start, series.total + value, series.number + 1, buckets, exemplars)

    def begin(self, observations: Iterable[Observation], at: int) -> None:
        """Create the series of these observations at zero, where missing: rates ignore the first value of a series."""
        for instrument, labels, _ in observations:
            key = self._room_for(instrument, labels)
            self._get(key, instrument, at)

    def keep(self) -> None:
        """Take over the changes, which are durable now."""
        if self._changed:
            self._series = {**self._series, **self._changed}
            self._changed = {}

    def reload(self, series: Mapping[SeriesKey, Series]) -> None:
        """Go on from these series instead, which are those in the store, and discard the changes."""
        self._series = dict(series)
        self.drop()

    def drop(self) -> None:
        """Discard the changes, which did not become durable."""
        self._changed = {}
        self._sizes = Counter(name for name, _ in self._series)

    def _get(self, key: SeriesKey, instrument: Instrument, at: int) -> Series:
        known = self._changed.get(key) or self._series.get(key)
        if known is None:
            known = Series(at, buckets=(0,) * (len(BOUNDS) + 1) if instrument.kind is Kind.HISTOGRAM else ())
            self._changed[key] = known
            self._sizes[instrument.name] += 1
        return known

    def _room_for(self, instrument: Instrument, labels: Labels) -> SeriesKey:
        key = (instrument.name, labels)
        if key in self._series or key in self._changed:
            return key
        if self._sizes[instrument.name] < self._limit - 1:
            return key
        if instrument.name not in self._warned:
            self._warned.add(instrument.name)
            _log.warning(
                "%s has reached the limit of %d label sets: values of new ones are added to %s=true; "
                "raise --label-limit, or use fewer names of models and stages",
                instrument.name,
                self._limit,
                OVERFLOW,
            )
        return instrument.name, OVERFLOWING
