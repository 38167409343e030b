"""The three signals of OTLP, and what differs between them on the wire.

Source: https://opentelemetry.io/docs/specs/otlp/
"""

from __future__ import annotations

from enum import Enum
from functools import cache
from importlib import import_module
from typing import Any, NamedTuple


class Signal(NamedTuple):
    """One signal: its name, and what its export is called on the wire."""

    name: str
    package: str
    """The name of its package in OTLP's definitions."""
    stem: str
    """How the names of its messages begin."""
    rejected: str
    """The field of a partial success that counts what was not accepted."""

    @property
    def path(self) -> str:
        """The path of OTLP over HTTP."""
        return f"/v1/{self.name}"

    @property
    def service(self) -> str:
        """The full name of the gRPC service."""
        return f"opentelemetry.proto.collector.{self.package}.v1.{self.stem}Service"

    @property
    def method(self) -> str:
        """The full name of the gRPC method."""
        return f"/{self.service}/Export"

    @property
    def request(self) -> Any:
        """The message that an export sends. The first use imports protobuf."""
        return _message(self.package, f"Export{self.stem}ServiceRequest")

    @property
    def response(self) -> Any:
        """The message that answers a successful export. The first use imports protobuf."""
        return _message(self.package, f"Export{self.stem}ServiceResponse")


@cache
def _message(package: str, name: str) -> Any:
    """Return a message type, imported late, because a program that only records never needs protobuf."""
    return getattr(import_module(f"opentelemetry.proto.collector.{package}.v1.{package}_service_pb2"), name)


TRACES = Signal("traces", "trace", "Trace", "rejected_spans")
LOGS = Signal("logs", "logs", "Logs", "rejected_log_records")
METRICS = Signal("metrics", "metrics", "Metrics", "rejected_data_points")
SIGNALS = (TRACES, LOGS, METRICS)


class Encoding(Enum):
    """How a message is written; the value is its media type."""

    PROTOBUF = "application/x-protobuf"
    JSON = "application/json"


_ENCODINGS = {
    "application/x-protobuf": Encoding.PROTOBUF,
    "application/protobuf": Encoding.PROTOBUF,
    "application/json": Encoding.JSON,
}


def encoding_of(content_type: str) -> Encoding | None:
    """Return the encoding that a ``Content-Type`` header names, ``None`` where it names neither of OTLP's."""
    return _ENCODINGS.get(content_type.partition(";")[0].strip().lower())


class Request(NamedTuple):
    """One export as it arrived.

    ``body`` is the message without its compression; ``packed`` is what came over the wire where that was gzip,
    so that it can go on as it is.
    """

    signal: Signal
    encoding: Encoding
    body: bytes
    packed: bytes | None = None
