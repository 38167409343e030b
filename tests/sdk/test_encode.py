"""What journal documents look like as OTLP requests."""

from __future__ import annotations

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

import cycletrace as ct
from cycletrace import conventions as c
from cycletrace._internal.delivery.encode import Item, encode
from cycletrace._version import __version__
from cycletrace.testing import Journal


@pytest.mark.parametrize("signal", ["traces", "logs"])
def test_records_name_their_scope_and_the_version_of_their_vocabulary(cycletrace_journal: Journal, signal: str) -> None:
    with ct.stage("train"):
        pass
    if signal == "traces":
        spans = encode(signal, [Item(span, {}) for span in cycletrace_journal.spans()])
        (of_spans,) = ExportTraceServiceRequest.FromString(spans).resource_spans[0].scope_spans
        schema_url, scope = of_spans.schema_url, of_spans.scope
    else:
        events = encode(signal, [Item(event, {}) for event in cycletrace_journal.events()])
        (of_logs,) = ExportLogsServiceRequest.FromString(events).resource_logs[0].scope_logs
        schema_url, scope = of_logs.schema_url, of_logs.scope
    assert (scope.name, scope.version) == ("cycletrace", __version__)
    assert schema_url == c.SCHEMA_URL == "https://cycletrace.dev/schemas/1.0.0"
