"""The state of cumulative metrics: exact integers, each series with the instant since which it counts."""

from __future__ import annotations

import json
import logging
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from cycletrace._internal.collector.instruments import BOUNDS, Instrument, Kind, Labels
from cycletrace._internal.collector.observing import Observation
from cycletrace.conventions import OVERFLOW

_log = logging.getLogger("cycletrace.collector")

OVERFLOWING: Labels = ((OVERFLOW, True),)
"""The series that takes what no longer gets one of its own."""

SECOND = 1_000_000_000
_BOUNDS_NS = [bound * SECOND for bound in BOUNDS]


class Exemplar(NamedTuple):
    """A cycle that a value came from."""

    value: int
    at: int
    trace_id: str
    span_id: str


class Series(NamedTuple):
    """What one set of labels added up to, in ``number`` observations.

    ``total`` is nanoseconds or a count, ``buckets`` is empty but for histograms.

    ``exemplars`` holds the latest of each bucket, of a counter the latest under 0.
    """

    start: int
    total: int = 0
    number: int = 0
    buckets: tuple[int, ...] = ()
    exemplars: Mapping[int, Exemplar] = {}


SeriesKey = tuple[str, Labels]


def to_text(series: Series) -> str:
    """The series as JSON text."""
    return json.dumps(series, separators=(",", ":"))


def from_text(text: str) -> Series:
    """The series that :func:`to_text` wrote."""
    start, total, number, buckets, exemplars = json.loads(text)
    return Series(
        start,
        total,
        number,
        tuple(buckets),
        {int(index): Exemplar(*exemplar) for index, exemplar in exemplars.items()},
    )


def to_rows(series: Mapping[SeriesKey, Series]) -> Iterator[tuple[str, str, str]]:
    """Yield each series as the store keeps it: metric, labels and state, the same text for the same labels."""
    for (metric, labels), state in series.items():
        yield metric, json.dumps(labels, separators=(",", ":")), to_text(state)


def from_rows(rows: Iterable[tuple[str, str, str]]) -> dict[SeriesKey, Series]:
    """Return the series that :func:`to_rows` yielded."""
    return {
        (metric, tuple((name, value) for name, value in json.loads(labels))): from_text(state)
        for metric, labels, state in rows
    }


class Accumulator:
    """All series. Changes stay aside until they are durable, so that nobody is told what a crash could take back."""

    def __init__(self, limit: int, series: Mapping[SeriesKey, Series] | None = None) -> None:
        """Go on from these series. ``limit`` bounds the sets of labels of each metric, the overflowing one included."""
        self._limit = limit
        self._series: dict[SeriesKey, Series] = dict(series or {})
        self._changed: dict[SeriesKey, Series] = {}
        self._told: set[str] = set()
        self._sizes = Counter(name for name, _ in self._series)

    @property
    def series(self) -> Mapping[SeriesKey, Series]:
        """What is durable. Replaced as a whole, never changed: safe to read from any thread."""
        return self._series

    @property
    def changed(self) -> Mapping[SeriesKey, Series]:
        """What is yet to be made durable."""
        return self._changed

    def add(self, observations: Iterable[Observation], at: int, exemplar: tuple[str, str] | None = None) -> None:
        """Add what was observed at this instant, of the cycle with this trace and span id."""
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
        """Make sure that the series of what will be observed exist, at zero: a rate misses where a series begins."""
        for instrument, labels, _ in observations:
            key = self._room_for(instrument, labels)
            self._get(key, instrument, at)

    def keep(self) -> None:
        """The changes are durable now."""
        if self._changed:
            self._series = {**self._series, **self._changed}
            self._changed = {}

    def reload(self, series: Mapping[SeriesKey, Series]) -> None:
        """Go on from these series instead, which are those in the store."""
        self._series = dict(series)
        self.drop()

    def drop(self) -> None:
        """The changes did not become durable."""
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
        if instrument.name not in self._told:
            self._told.add(instrument.name)
            _log.warning(
                "%s has %d sets of labels, which is the limit: what is new is added to the set %s=true",
                instrument.name,
                self._limit,
                OVERFLOW,
            )
        return instrument.name, OVERFLOWING
