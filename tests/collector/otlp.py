"""Short ways to write OTLP messages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord, ResourceLogs, ScopeLogs
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span, Status

from cycletrace import conventions as c

SECOND = 1_000_000_000
Value = str | int | bool | float


def key_values(attributes: Mapping[str, Value]) -> list[KeyValue]:
    return [KeyValue(key=key, value=_any(value)) for key, value in attributes.items()]


def _any(value: Value) -> AnyValue:
    if isinstance(value, bool):
        return AnyValue(bool_value=value)
    if isinstance(value, int):
        return AnyValue(int_value=value)
    if isinstance(value, float):
        return AnyValue(double_value=value)
    return AnyValue(string_value=value)


def cycle_attributes(key: str, namespace: str = "") -> dict[str, Value]:
    return {
        c.CYCLE_ID: c.cycle_id(namespace, key),
        c.CYCLE_KEY: key,
        c.MODEL_NAME: key.partition("@")[0],
    }


def span(name: str, attributes: Mapping[str, Value], start: int, end: int, *, is_error: bool = False) -> Span:
    return Span(
        trace_id=bytes(range(16)),
        span_id=bytes(range(8)),
        name=name,
        kind=Span.SpanKind.SPAN_KIND_INTERNAL,
        start_time_unix_nano=start,
        end_time_unix_nano=end,
        attributes=key_values(attributes),
        status=Status(code=Status.StatusCode.STATUS_CODE_ERROR) if is_error else None,
    )


def log(name: str, attributes: Mapping[str, Value], time: int = 0, observed: int = 0) -> LogRecord:
    return LogRecord(
        event_name=name, attributes=key_values(attributes), time_unix_nano=time, observed_time_unix_nano=observed
    )


def resource(namespace: str) -> Resource:
    return Resource(
        attributes=key_values({"service.name": "x", **({"service.namespace": namespace} if namespace else {})})
    )


def traces(spans: Sequence[Span], namespace: str = "") -> ExportTraceServiceRequest:
    return ExportTraceServiceRequest(
        resource_spans=[ResourceSpans(resource=resource(namespace), scope_spans=[ScopeSpans(spans=spans)])]
    )


def logs(records: Sequence[LogRecord], namespace: str = "") -> ExportLogsServiceRequest:
    return ExportLogsServiceRequest(
        resource_logs=[ResourceLogs(resource=resource(namespace), scope_logs=[ScopeLogs(log_records=records)])]
    )


def ours(key: str, **more: Value) -> dict[str, Value]:
    return {**cycle_attributes(key), **{c.PREFIX + name.replace("__", "."): value for name, value in more.items()}}


def a_cycle(key: str, start: int) -> list[Any]:
    """A cycle of an hour: trained, selected by hand, deployed, with a wait, in use."""
    minute = 60 * SECOND

    def stage(stage_id: str, name: str, begin: int, end: int, **more: Value) -> Any:
        attributes = ours(key, stage__id=stage_id, stage__name=name, **more)
        return span(name, attributes, start + begin * minute, start + end * minute)

    return [
        stage("a" * 16, "train", 0, 30),
        span(
            "wait compute",
            ours(key, wait__id="b" * 16, wait__reason="compute", stage__id="a" * 16),
            start + 5 * minute,
            start + 10 * minute,
        ),
        stage("c" * 16, "select", 35, 40, actor__type="human"),
        stage("d" * 16, "deploy", 45, 50),
        span("mark in_use", ours(key, mark__name="in_use"), start + 60 * minute, start + 60 * minute),
    ]
