"""Encoding of journal documents as OTLP requests: spans by the exporters' own encoder, events as log records."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.logs.v1.logs_pb2 import SeverityNumber

from cycletrace._internal.delivery.readable_span import SCOPE_NAME, readable_span, whole_resource
from cycletrace._internal.journal.documents import EventDocument, Record
from cycletrace._internal.otlp.signals import LOGS, TRACES
from cycletrace._internal.otlp.values import fill
from cycletrace._version import __version__
from cycletrace.conventions import SCHEMA_URL


class Item(NamedTuple):
    """A span or event of a journal, with the resource attributes of its writer."""

    document: Record
    resource: Mapping[str, Any]


def signal_of(document: Record) -> str:
    """Return the name of the signal by which a document travels."""
    return TRACES.name if "span" in document else LOGS.name


def encode(signal: str, items: Sequence[Item]) -> bytes:
    """Return one serialised request with these documents, all of the signal of this name.

    Raises:
        Exception: of many kinds, if a document is not one that this version writes.
    """
    if signal == TRACES.name:
        request = encode_spans(
            [readable_span(document, resource) for document, resource in items if "span" in document]
        )
        return bytes(request.SerializeToString())
    return bytes(_log_request(items).SerializeToString())


def _log_request(items: Sequence[Item]) -> ExportLogsServiceRequest:
    by_resource: dict[tuple[tuple[str, Any], ...], list[EventDocument]] = defaultdict(list)
    for document, resource in items:
        if "event" in document:
            by_resource[tuple(whole_resource(document, resource).items())].append(document)
    request = ExportLogsServiceRequest()
    for attributes, documents in by_resource.items():
        logs = request.resource_logs.add()
        fill(logs.resource.attributes, dict(attributes))
        scope = logs.scope_logs.add()
        scope.scope.name = SCOPE_NAME
        scope.scope.version = __version__
        scope.schema_url = SCHEMA_URL
        for document in documents:
            _write_record(scope.log_records.add(), document)
    return request


def _write_record(record: Any, document: EventDocument) -> None:
    record.time_unix_nano = record.observed_time_unix_nano = document["time"]
    record.severity_number = SeverityNumber.SEVERITY_NUMBER_INFO
    record.severity_text = "INFO"
    record.event_name = document["event"]
    record.trace_id = bytes.fromhex(document["trace_id"])
    record.span_id = bytes.fromhex(document["span_id"])
    record.flags = 1
    fill(record.attributes, document["attributes"])
