"""Metrics as an OTLP request, built by hand: the SDK cannot continue a cumulative stream after a restart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.metrics.v1.metrics_pb2 import AggregationTemporality

from cycletrace._internal.collector.instruments import BOUNDS, SCOPE, Kind
from cycletrace._internal.collector.series import Exemplar, Metric, Point
from cycletrace._internal.otlp.values import fill
from cycletrace._version import __version__
from cycletrace.conventions import SERVICE_NAME

SERVICE = "cycletrace-collector"


def encode(metrics: Mapping[str, Sequence[Metric]], at: int) -> bytes:
    """Return the serialized request with the metrics of each instance, by ``service.instance.id``, at an instant."""
    request = ExportMetricsServiceRequest()
    for instance, some in metrics.items():
        if not some:
            continue
        resource = request.resource_metrics.add()
        fill(resource.resource.attributes, {SERVICE_NAME: SERVICE, "service.instance.id": instance})
        scope = resource.scope_metrics.add()
        scope.scope.name = SCOPE
        scope.scope.version = __version__
        for one in some:
            if one.points:
                _add(scope.metrics.add(), one, at)
    serialized: bytes = request.SerializeToString()
    return serialized


def _add(metric: Any, one: Metric, at: int) -> None:
    instrument, points = one
    metric.name, metric.unit, metric.description = instrument.name, instrument.unit, instrument.help
    if instrument.kind is Kind.GAUGE:
        for point in points:
            _number(metric.gauge.data_points.add(), point, at)
    elif instrument.kind is Kind.COUNTER:
        metric.sum.aggregation_temporality = AggregationTemporality.AGGREGATION_TEMPORALITY_CUMULATIVE
        metric.sum.is_monotonic = True
        for point in points:
            _number(metric.sum.data_points.add(), point, at)
    else:
        metric.histogram.aggregation_temporality = AggregationTemporality.AGGREGATION_TEMPORALITY_CUMULATIVE
        for point in points:
            _histogram(metric.histogram.data_points.add(), point, at)


def _number(data: Any, point: Point, at: int) -> None:
    _common(data, point, at)
    if isinstance(point.value, int):
        data.as_int = point.value
    else:
        data.as_double = point.value


def _histogram(data: Any, point: Point, at: int) -> None:
    _common(data, point, at)
    data.count = point.number
    data.sum = point.value
    data.explicit_bounds.extend(BOUNDS)
    data.bucket_counts.extend(point.buckets)


def _common(data: Any, point: Point, at: int) -> None:
    fill(data.attributes, dict(point.labels))
    data.time_unix_nano = at
    if point.start is not None:
        data.start_time_unix_nano = min(point.start, at)
    for _, exemplar in sorted(point.exemplars.items()):
        _exemplar(data.exemplars.add(), exemplar)


def _exemplar(data: Any, exemplar: Exemplar) -> None:
    data.time_unix_nano = exemplar.at
    data.as_double = exemplar.value
    data.trace_id = bytes.fromhex(exemplar.trace_id)
    data.span_id = bytes.fromhex(exemplar.span_id)
