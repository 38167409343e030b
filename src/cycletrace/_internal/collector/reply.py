"""What senders are answered: an ``ExportResult`` as a status and a body, over gRPC and over HTTP alike.

Source: https://opentelemetry.io/docs/specs/otlp/, sections on OTLP/gRPC and OTLP/HTTP responses.
"""

from __future__ import annotations

from collections.abc import Iterable
from math import ceil
from typing import Any

from google.protobuf import json_format
from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status

from cycletrace._internal.otlp.classify import is_retry_info
from cycletrace._internal.otlp.result import MAX_MESSAGE, Code, ExportResult
from cycletrace._internal.otlp.signals import Encoding, Signal

_HTTP_OF_CODE: dict[int, int] = {
    Code.INVALID_ARGUMENT: 400,
    Code.UNAUTHENTICATED: 401,
    Code.PERMISSION_DENIED: 403,
    Code.NOT_FOUND: 404,
    Code.UNIMPLEMENTED: 404,
}


def together(results: Iterable[ExportResult]) -> ExportResult:
    """Return one result for several: a failure that is worth repeating, else a failure, else what all accepted."""
    results = list(results)
    failures = [result for result in results if not result.is_success]
    if failures:
        return max(failures, key=lambda result: (result.is_retryable, result.retry_after or 0.0))
    warnings = dict.fromkeys(result.message for result in results if result.message)
    return ExportResult(
        message="; ".join(warnings)[:MAX_MESSAGE], rejected=max((result.rejected for result in results), default=0)
    )


def http_status(result: ExportResult) -> int:
    """Return the HTTP status for senders."""
    if result.is_success:
        return 200
    if result.http_status is not None:
        return result.http_status
    if result.code == Code.RESOURCE_EXHAUSTED:
        return 413 if result.retry_after is None else 429
    if result.is_retryable:
        return 503
    return _HTTP_OF_CODE.get(result.code, 500)


def http_headers(result: ExportResult) -> dict[str, str]:
    """Return the headers for senders over HTTP that go beyond the body's."""
    return {} if result.retry_after is None else {"Retry-After": str(ceil(result.retry_after))}


def status_message(result: ExportResult) -> Any:
    """Return the ``google.rpc.Status`` of a failure, with the time to wait as its ``RetryInfo``."""
    status = Status(code=result.code, message=result.message)
    for detail in result.details:
        status.details.add().ParseFromString(detail)
    if result.retry_after is not None and not any(map(is_retry_info, status.details)):
        info = RetryInfo()
        info.retry_delay.FromNanoseconds(round(result.retry_after * 1e9))
        status.details.add().Pack(info)
    return status


def to_bytes(result: ExportResult, signal: Signal, encoding: Encoding) -> bytes:
    """Return the body of the answer: the export's response, or the status of a failure."""
    if not result.is_success:
        return write(status_message(result), encoding)
    response = signal.response()
    if result.rejected:
        setattr(response.partial_success, signal.rejected, result.rejected)
    if result.message:
        response.partial_success.error_message = result.message
    return write(response, encoding)


def write(message: Any, encoding: Encoding) -> bytes:
    """Return a protobuf message in this encoding."""
    if encoding is Encoding.PROTOBUF:
        serialized: bytes = message.SerializeToString()
        return serialized
    try:
        text: str = json_format.MessageToJson(message, indent=None)
    except (TypeError, json_format.Error):  # details of a type that is not known here have no form in JSON
        text = json_format.MessageToJson(Status(code=message.code, message=message.message), indent=None)
    return text.encode()


_CODE_OF_HTTP: dict[int, int] = {
    404: Code.NOT_FOUND,
    405: Code.UNIMPLEMENTED,
    413: Code.RESOURCE_EXHAUSTED,
    500: Code.INTERNAL,
}


def http_failure(status: int, message: str) -> ExportResult:
    """Return the result for a request over HTTP that fails with a status of HTTP's own."""
    return ExportResult(_CODE_OF_HTTP.get(status, Code.INVALID_ARGUMENT), message, http_status=status)
