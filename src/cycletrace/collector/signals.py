"""The three signals of OTLP, and what differs between them on the wire.

Source: https://opentelemetry.io/docs/specs/otlp/
"""

from __future__ import annotations

from enum import Enum
from typing import Any, NamedTuple

from opentelemetry.proto.collector.logs.v1 import logs_service_pb2
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2


class Signal(NamedTuple):
    """One signal: its name, its gRPC service, and the messages that its export takes and answers."""

    name: str
    service: str
    request: Any
    response: Any
    rejected: str
    """The field of a partial success that counts what was not taken."""

    @property
    def path(self) -> str:
        """The path of OTLP over HTTP."""
        return f"/v1/{self.name}"

    @property
    def method(self) -> str:
        """The full name of the gRPC method."""
        return f"/{self.service}/Export"


TRACES = Signal(
    "traces",
    "opentelemetry.proto.collector.trace.v1.TraceService",
    trace_service_pb2.ExportTraceServiceRequest,
    trace_service_pb2.ExportTraceServiceResponse,
    "rejected_spans",
)
LOGS = Signal(
    "logs",
    "opentelemetry.proto.collector.logs.v1.LogsService",
    logs_service_pb2.ExportLogsServiceRequest,
    logs_service_pb2.ExportLogsServiceResponse,
    "rejected_log_records",
)
METRICS = Signal(
    "metrics",
    "opentelemetry.proto.collector.metrics.v1.MetricsService",
    metrics_service_pb2.ExportMetricsServiceRequest,
    metrics_service_pb2.ExportMetricsServiceResponse,
    "rejected_data_points",
)
SIGNALS = (TRACES, LOGS, METRICS)


class Encoding(Enum):
    """How a message is written; the value is its media type."""

    PROTOBUF = "application/x-protobuf"
    JSON = "application/json"


class Request(NamedTuple):
    """One export as it arrived.

    ``body`` is the message without its compression; ``packed`` is what came over the wire where that was gzip,
    so that it can go on as it is.
    """

    signal: Signal
    encoding: Encoding
    body: bytes
    packed: bytes | None = None
