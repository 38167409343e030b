"""Responses to senders: an ``ExportResult`` as status and body, for gRPC and HTTP.

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


def combine(results: Iterable[ExportResult]) -> ExportResult:
    """Return one result for several: a retryable failure if there is one, else a failure, else a success."""
    results = list(results)
    failures = [result for result in results if not result.is_success]
    if failures:
        return max(failures, key=lambda result: (result.is_retryable, result.retry_after or 0.0))
    warnings = dict.fromkeys(result.message for result in results if result.message)
    return ExportResult(
        message="; ".join(warnings)[:MAX_MESSAGE], rejected=max((result.rejected for result in results), default=0)
    )


def http_status(result: ExportResult) -> int:
    """Return the HTTP status of the response."""
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
    """Return the headers of the response besides those of its body."""
    headers = {} if result.retry_after is None else {"Retry-After": str(ceil(result.retry_after))}
    if result.code == Code.UNAUTHENTICATED:
        headers["WWW-Authenticate"] = "Bearer"
    return headers


def status_message(result: ExportResult) -> Any:
    """Return the ``google.rpc.Status`` of a failure, with the seconds to wait as its ``RetryInfo``."""
    status = Status(code=result.code, message=result.message)
    for detail in result.details:
        status.details.add().ParseFromString(detail)
    if result.retry_after is not None and not any(map(is_retry_info, status.details)):
        info = RetryInfo()
        info.retry_delay.FromNanoseconds(round(result.retry_after * 1e9))
        status.details.add().Pack(info)
    return status


def to_bytes(result: ExportResult, signal: Signal, encoding: Encoding) -> bytes:
    """Return the body of the response: an export response, or the status of a failure."""
    if not result.is_success:
        return serialize(status_message(result), encoding)
    response = signal.response()
    if result.rejected:
        setattr(response.partial_success, signal.rejected, result.rejected)
    if result.message:
        response.partial_success.error_message = result.message
    return serialize(response, encoding)


def serialize(message: Any, encoding: Encoding) -> bytes:
    """Return a message in this encoding."""
    if encoding is Encoding.PROTOBUF:
        serialized: bytes = message.SerializeToString()
        return serialized
    try:
        text: str = json_format.MessageToJson(message, indent=None)
    except (TypeError, json_format.Error):  # details of a type that is not known here have no form in JSON
        text = json_format.MessageToJson(Status(code=message.code, message=message.message), indent=None)
    return text.encode()


_CODE_OF_OWN_STATUS: dict[int, int] = {
    404: Code.NOT_FOUND,
    405: Code.UNIMPLEMENTED,
    413: Code.RESOURCE_EXHAUSTED,
    500: Code.INTERNAL,
}


def http_failure(status: int, message: str) -> ExportResult:
    """Return the result for a request that the HTTP server itself rejects with this status."""
    return ExportResult(_CODE_OF_OWN_STATUS.get(status, Code.INVALID_ARGUMENT), message, http_status=status)
