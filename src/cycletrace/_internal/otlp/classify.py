"""Reading an endpoint's answer: HTTP status or gRPC code, headers or metadata, and body become an ``ExportResult``.

Imports protobuf and ``google.rpc``, so what records must import it late.
Source: https://opentelemetry.io/docs/specs/otlp/, sections on OTLP/gRPC and OTLP/HTTP responses.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from email.utils import parsedate_to_datetime
from typing import Any, Final, NamedTuple

from google.protobuf.message import DecodeError
from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status

from cycletrace._internal.otlp.json_messages import from_json, parse
from cycletrace._internal.otlp.result import ACCEPTED, MAX_MESSAGE, Code, ExportResult
from cycletrace._internal.otlp.signals import Encoding, Signal, encoding_of

MAX_ANSWER: Final = 64 * 1024
"""Bytes of an answer that are read."""
DETAILS: Final = "grpc-status-details-bin"
"""The trailing metadata in which gRPC carries a ``google.rpc.Status``."""

_CODE_OF_HTTP: Final = {
    400: Code.INVALID_ARGUMENT,
    401: Code.UNAUTHENTICATED,
    402: Code.PERMISSION_DENIED,
    403: Code.PERMISSION_DENIED,
    404: Code.UNIMPLEMENTED,
    405: Code.UNIMPLEMENTED,
    407: Code.UNAUTHENTICATED,
    408: Code.UNKNOWN,
    413: Code.RESOURCE_EXHAUSTED,
    502: Code.UNAVAILABLE,
    503: Code.UNAVAILABLE,
    504: Code.UNAVAILABLE,
}
"""What an HTTP failure is for senders over gRPC. Any other of 4xx is INVALID_ARGUMENT, the rest UNKNOWN."""


class _Failure(NamedTuple):
    """What the status of a failure holds; ``retry_after`` in seconds."""

    message: str = ""
    retry_after: float | None = None
    details: tuple[bytes, ...] = ()


def classify_http(
    signal: Signal, status: int, headers: Mapping[str, str], body: bytes, reason: str = ""
) -> ExportResult:
    """Return what an HTTP response means for the records in the request.

    Args:
        signal: What was exported.
        status: The HTTP status.
        headers: Those of the response, in a mapping that ignores case.
        body: The response's, or the first :data:`MAX_ANSWER` bytes of it.
        reason: The phrase beside the status, used where the body holds no words.
    """
    encoding = encoding_of(headers.get("Content-Type", ""))
    if 200 <= status < 300:
        return _classify_2xx(signal, status, headers.get("Content-Type", ""), body)
    failure = _read_body(body, encoding)
    retry_after = seconds_to_wait(headers.get("Retry-After"))
    if retry_after is None:
        retry_after = failure.retry_after
    code = _CODE_OF_HTTP.get(status, Code.INVALID_ARGUMENT if 400 <= status < 500 else Code.UNKNOWN)
    if status == 429:  # over gRPC RESOURCE_EXHAUSTED without a time would not be repeated
        code = Code.UNAVAILABLE if retry_after is None else Code.RESOURCE_EXHAUSTED
    # A redirect would send an exporter elsewhere: the endpoint's address is wrong.
    http_status = status if 400 <= status < 600 else 500
    result = ExportResult(code, retry_after=retry_after, http_status=http_status, details=failure.details)
    return _describe(result, str(status), failure.message or reason or "no reason given")


def classify_grpc(code: int, name: str, message: str, metadata: Iterable[tuple[str, Any]]) -> ExportResult:
    """Return what a gRPC failure means for the records in the request.

    Args:
        code: The status code's number.
        name: Its name.
        message: The status' message.
        metadata: The trailing metadata, where a ``google.rpc.Status`` may be.
    """
    failure = _Failure()
    for key, value in metadata:
        if key == DETAILS:
            try:
                failure = _read_status(value)
            except ValueError:
                continue
    result = ExportResult(code, retry_after=failure.retry_after, details=failure.details)
    return _describe(result, name, message)


def classify_success(signal: Signal, body: bytes, encoding: Encoding = Encoding.PROTOBUF) -> ExportResult:
    """Return what the body of a success means: all is done, or some records were rejected.

    A body that is not an export's response counts as plain success, since gRPC has made sure of who answers.
    """
    if not body:
        return ACCEPTED
    response = signal.response()
    try:
        if encoding is Encoding.PROTOBUF:
            response.ParseFromString(body)
        else:
            from_json(parse(body), response)
    except (DecodeError, ValueError):
        return ACCEPTED
    return _read_success(signal, response)


def _classify_2xx(signal: Signal, status: int, content_type: str, body: bytes) -> ExportResult:
    """Return what an HTTP success means.

    A web server, a portal or a proxy that knows nothing of OTLP also answers with 200, and a page. Where the body
    cannot come from an OTLP endpoint, nothing arrived: the address is wrong. Without a body the status is believed.
    """
    if not body:
        return ACCEPTED
    encoding = encoding_of(content_type) if content_type else Encoding.PROTOBUF
    response = signal.response()
    is_otlp = encoding is not None
    try:
        if encoding is Encoding.PROTOBUF:
            response.ParseFromString(body)
        elif encoding is Encoding.JSON:
            values = parse(body)
            with suppress(ValueError):  # of whatever form, it is an answer of a program to a program
                from_json(values, response)
    except (DecodeError, ValueError):
        is_otlp = False
    if is_otlp:
        return _read_success(signal, response)
    words = f"not as an OTLP endpoint does, but with {content_type or 'something else'}"
    return _describe(ExportResult(Code.UNKNOWN, http_status=500), str(status), words)


def _read_success(signal: Signal, response: Any) -> ExportResult:
    partial = response.partial_success
    rejected: int = max(getattr(partial, signal.rejected), 0)
    return ExportResult(message=partial.error_message[:MAX_MESSAGE], rejected=rejected)


def seconds_to_wait(retry_after: str | None) -> float | None:
    """Return the seconds of a ``Retry-After`` header, which holds seconds or a date; ``None``: absent or broken.

    Source: RFC 9110, section 10.2.3.
    """
    if retry_after is None:
        return None
    text = retry_after.strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        return max(parsedate_to_datetime(text).timestamp() - time.time(), 0.0)
    except (ValueError, TypeError, OverflowError):
        return None


def is_retry_info(detail: Any) -> bool:
    """Return whether a detail of a status is a ``google.rpc.RetryInfo``."""
    return bool(detail.TypeName() == RetryInfo.DESCRIPTOR.full_name)


def _describe(result: ExportResult, status: str, words: str) -> ExportResult:
    """Return a failure with its status and words.

    Senders get words and details only where they are about the request: others may name hosts behind a collector.
    """
    answered = f"answered {status}: {words}"[:MAX_MESSAGE]
    if result.blames_request:
        return result._replace(message=f"a backend {answered}", logged=answered)
    return result._replace(message=f"a backend answered {status}", logged=answered, details=())


def _read_body(body: bytes, encoding: Encoding | None) -> _Failure:
    """Read the body of an HTTP failure, which may be anything: text then is the message."""
    try:
        if encoding is Encoding.PROTOBUF:
            return _read_status(body)
        if encoding is Encoding.JSON:
            status = Status()
            from_json(parse(body), status)
            return _read_status(status.SerializeToString())
    except ValueError:
        pass
    return _Failure(body.decode(errors="replace").strip()[:MAX_MESSAGE])


def _read_status(serialized: bytes) -> _Failure:
    """Read a serialized ``google.rpc.Status``.

    Raises:
        ValueError: where it is none.
    """
    try:
        status = Status.FromString(serialized)
        retry_after = None
        for detail in status.details:
            if is_retry_info(detail):
                info = RetryInfo()
                detail.Unpack(info)
                retry_after = max(info.retry_delay.ToNanoseconds() / 1e9, 0.0)
    except DecodeError as error:
        raise ValueError(str(error)) from error
    details = tuple(detail.SerializeToString() for detail in status.details)
    return _Failure(status.message[:MAX_MESSAGE], retry_after, details)
