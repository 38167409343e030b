"""Metrics as they are told: values in their units, ready to be written in any format."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from cycletrace._internal.collector.instruments import CUMULATIVE, Instrument, Kind, Labels
from cycletrace._internal.collector.series import SECOND, Exemplar, Series, SeriesKey


class Told(NamedTuple):
    """An exemplar in the unit of its metric; ``at`` is UTC nanoseconds."""

    value: float
    at: int
    trace_id: str
    span_id: str


class Point(NamedTuple):
    """One series. ``value`` is the sum of a histogram; ``start`` is ``None`` for a gauge."""

    labels: Labels
    value: float
    start: int | None = None
    number: int = 0
    buckets: tuple[int, ...] = ()
    exemplars: Mapping[int, Told] = {}


class Metric(NamedTuple):
    """One metric with all its series, in the order of their labels."""

    instrument: Instrument
    points: list[Point]


def cumulative(series: Mapping[SeriesKey, Series]) -> Iterator[Metric]:
    """The metrics whose state is kept."""
    by_name: dict[str, list[tuple[Labels, Series]]] = {instrument.name: [] for instrument in CUMULATIVE}
    for (name, labels), state in series.items():
        if name in by_name:  # a later version may keep metrics that this one does not know
            by_name[name].append((labels, state))
    for instrument in CUMULATIVE:
        points = [_point(instrument, labels, state) for labels, state in by_name[instrument.name]]
        yield Metric(instrument, sorted(points, key=lambda point: repr(point.labels)))


def gauge(instrument: Instrument, values: Iterable[tuple[Labels, float]]) -> Metric:
    """A gauge with these values, already in its unit."""
    return Metric(instrument, [Point(labels, value) for labels, value in values])


def in_unit(instrument: Instrument, value: int) -> float:
    """A value that is kept as an integer in the unit of its metric."""
    return value / SECOND if instrument.is_time else value


def _point(instrument: Instrument, labels: Labels, state: Series) -> Point:
    return Point(
        labels,
        in_unit(instrument, state.total),
        state.start,
        state.number,
        state.buckets if instrument.kind is Kind.HISTOGRAM else (),
        {index: _told(instrument, exemplar) for index, exemplar in state.exemplars.items()},
    )


def _told(instrument: Instrument, exemplar: Exemplar) -> Told:
    return Told(in_unit(instrument, exemplar.value), exemplar.at, exemplar.trace_id, exemplar.span_id)
