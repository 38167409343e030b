"""Journal documents as OTLP requests: spans by the exporters' own encoder, events as log records."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, InstrumentationScope, KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord, ResourceLogs, ScopeLogs, SeverityNumber
from opentelemetry.proto.resource.v1.resource_pb2 import Resource

from cycletrace._version import __version__
from cycletrace.conventions import SERVICE_NAME, SERVICE_NAMESPACE
from cycletrace.emit.delivery.destination import LOGS, TRACES
from cycletrace.emit.processors import SCOPE_NAME, readable_span


class Item(NamedTuple):
    """A document of a journal, with the resource attributes of its writer."""

    document: Mapping[str, Any]
    resource: Mapping[str, Any]


def signal_of(document: Mapping[str, Any]) -> str | None:
    """The signal by which a document travels, ``None`` where it does not."""
    return TRACES if "span" in document else LOGS if "event" in document else None


def encode(signal: str, items: Sequence[Item]) -> bytes:
    """One serialised request with these documents, all of this signal.

    Raises:
        Exception: of many kinds, where a document is not one that this version writes.
    """
    if signal == TRACES:
        request = encode_spans([readable_span(item.document, item.resource) for item in items])
    else:
        request = _log_request(items)
    return bytes(request.SerializeToString())


def _log_request(items: Sequence[Item]) -> ExportLogsServiceRequest:
    by_resource: dict[tuple[tuple[str, Any], ...], list[LogRecord]] = defaultdict(list)
    for document, resource in items:
        whole = {**resource, SERVICE_NAME: document["service"]}
        if document.get("namespace"):
            whole[SERVICE_NAMESPACE] = document["namespace"]
        by_resource[tuple(whole.items())].append(_log_record(document))
    scope = InstrumentationScope(name=SCOPE_NAME, version=__version__)
    return ExportLogsServiceRequest(
        resource_logs=[
            ResourceLogs(
                resource=Resource(attributes=_key_values(dict(resource))),
                scope_logs=[ScopeLogs(scope=scope, log_records=records)],
            )
            for resource, records in by_resource.items()
        ]
    )


def _log_record(document: Mapping[str, Any]) -> LogRecord:
    return LogRecord(
        time_unix_nano=document["time"],
        observed_time_unix_nano=document["time"],
        severity_number=SeverityNumber.SEVERITY_NUMBER_INFO,
        severity_text="INFO",
        event_name=document["event"],
        attributes=_key_values(document["attributes"]),
        trace_id=bytes.fromhex(document["trace_id"]),
        span_id=bytes.fromhex(document["span_id"]),
        flags=1,
    )


def _key_values(attributes: Mapping[str, Any]) -> list[KeyValue]:
    return [KeyValue(key=name, value=_any_value(value)) for name, value in attributes.items()]


def _any_value(value: object) -> AnyValue:
    if isinstance(value, bool):
        return AnyValue(bool_value=value)
    if isinstance(value, int):
        return AnyValue(int_value=value)
    return AnyValue(string_value=str(value))
