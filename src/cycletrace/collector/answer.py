"""Answers to an export: success, partial success or failure, over gRPC and over HTTP alike.

Source: https://opentelemetry.io/docs/specs/otlp/, sections on OTLP/gRPC and OTLP/HTTP responses.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum
from typing import Any, NamedTuple

from google.protobuf import json_format
from google.protobuf.message import DecodeError
from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status

from cycletrace.collector.json_request import from_json, parse
from cycletrace.collector.signals import Encoding, Signal

MAX_MESSAGE = 4096
"""Characters of an error's text that are passed on."""


class Code(IntEnum):
    """The status codes of gRPC that occur here.

    Source: https://grpc.io/docs/guides/status-codes/
    """

    OK = 0
    CANCELLED = 1
    UNKNOWN = 2
    INVALID_ARGUMENT = 3
    DEADLINE_EXCEEDED = 4
    NOT_FOUND = 5
    PERMISSION_DENIED = 7
    RESOURCE_EXHAUSTED = 8
    ABORTED = 10
    OUT_OF_RANGE = 11
    UNIMPLEMENTED = 12
    INTERNAL = 13
    UNAVAILABLE = 14
    DATA_LOSS = 15
    UNAUTHENTICATED = 16


_RETRYABLE = frozenset(
    {Code.CANCELLED, Code.DEADLINE_EXCEEDED, Code.ABORTED, Code.OUT_OF_RANGE, Code.UNAVAILABLE, Code.DATA_LOSS}
)
"""What a sender over gRPC repeats. RESOURCE_EXHAUSTED only where the answer says when."""

_RETRYABLE_HTTP = frozenset({429, 502, 503, 504})
"""What a sender over HTTP repeats."""

_HTTP_OF_CODE = {
    Code.INVALID_ARGUMENT: 400,
    Code.UNAUTHENTICATED: 401,
    Code.PERMISSION_DENIED: 403,
    Code.NOT_FOUND: 404,
    Code.UNIMPLEMENTED: 404,
}

_CODE_OF_HTTP = {
    400: Code.INVALID_ARGUMENT,
    401: Code.UNAUTHENTICATED,
    403: Code.PERMISSION_DENIED,
    404: Code.UNIMPLEMENTED,
    405: Code.UNIMPLEMENTED,
    413: Code.RESOURCE_EXHAUSTED,
    415: Code.INVALID_ARGUMENT,
    502: Code.UNAVAILABLE,
    503: Code.UNAVAILABLE,
    504: Code.UNAVAILABLE,
}


class Answer(NamedTuple):
    """What a sender is told.

    ``code`` is a status code of gRPC (an unknown one is passed on as it came), ``http`` the HTTP status where an
    HTTP backend gave one, ``retry_after`` the seconds to wait before the repetition where somebody said so,
    ``details`` the serialized ``google.protobuf.Any`` details of a backend's status. A success may be partial: then
    ``rejected`` counts what was not taken, or ``message`` warns. ``logged`` is for the log alone: it may name hosts.
    """

    code: int = Code.OK
    message: str = ""
    rejected: int = 0
    retry_after: float | None = None
    http: int | None = None
    details: tuple[bytes, ...] = ()
    logged: str = ""

    @property
    def is_success(self) -> bool:
        """Whether the sender is done with it."""
        return self.code == Code.OK

    @property
    def is_retryable(self) -> bool:
        """Whether a sender repeats the export."""
        if self.http is not None:
            return self.http in _RETRYABLE_HTTP
        return self.code in _RETRYABLE or (self.code == Code.RESOURCE_EXHAUSTED and self.retry_after is not None)

    @property
    def blames_request(self) -> bool:
        """Whether it refuses this request, and may take another one; else it refuses all, for now."""
        return self.code == Code.INVALID_ARGUMENT or (self.code == Code.RESOURCE_EXHAUSTED and not self.is_retryable)

    @property
    def http_status(self) -> int:
        """The HTTP status that tells this answer."""
        if self.is_success:
            return 200
        if self.http is not None:
            return self.http
        if self.code == Code.RESOURCE_EXHAUSTED:
            return 413 if self.retry_after is None else 429
        if self.is_retryable:
            return 503
        return _HTTP_OF_CODE.get(Code(self.code) if self.code in _CODES else Code.UNKNOWN, 500)


_CODES = frozenset(Code)

ACCEPTED = Answer()


def unavailable(message: str, retry_after: float | None = None, logged: str = "") -> Answer:
    """The answer that asks the sender to come again."""
    return Answer(Code.UNAVAILABLE, message, retry_after=retry_after, logged=logged)


def malformed(message: str) -> Answer:
    """The answer to what cannot be read. The sender must not repeat it."""
    return Answer(Code.INVALID_ARGUMENT, message)


def of_failure(answer: Answer, status: str, words: str) -> Answer:
    """Return a backend's failure with its status and words.

    The sender gets words and details only where they are about the request: others may name hosts behind the collector.
    """
    answered = f"answered {status}: {words}"[:MAX_MESSAGE]
    if answer.blames_request:
        return answer._replace(message=f"a backend {answered}", logged=answered)
    return answer._replace(message=f"a backend answered {status}", logged=answered, details=())


def of_http_failure(status: int, words: str, retry_after: float | None, details: tuple[bytes, ...] = ()) -> Answer:
    """An HTTP backend's failure. A status that HTTP senders repeat stays one that gRPC senders repeat, too."""
    code = _CODE_OF_HTTP.get(status, Code.UNKNOWN if status >= 500 or status < 400 else Code.INVALID_ARGUMENT)
    if status == 429:
        code = Code.UNAVAILABLE if retry_after is None else Code.RESOURCE_EXHAUSTED
    # A redirect would send an exporter elsewhere: the backend's address is wrong.
    http = status if 400 <= status < 600 else 500
    return of_failure(Answer(code, retry_after=retry_after, http=http, details=details), str(status), words)


def together(answers: Iterable[Answer]) -> Answer:
    """One answer for several takers: a failure that is worth repeating, else a failure, else what was taken by all."""
    answers = list(answers)
    failures = [answer for answer in answers if not answer.is_success]
    if failures:
        return max(failures, key=lambda answer: (answer.is_retryable, answer.retry_after or 0.0))
    warnings = dict.fromkeys(answer.message for answer in answers if answer.message)
    return Answer(
        message="; ".join(warnings)[:MAX_MESSAGE], rejected=max((answer.rejected for answer in answers), default=0)
    )


def status_of(answer: Answer) -> Any:
    """The ``google.rpc.Status`` of a failure, with the time to wait as its ``RetryInfo``."""
    status = Status(code=answer.code, message=answer.message)
    for detail in answer.details:
        status.details.add().ParseFromString(detail)
    if answer.retry_after is not None and not any(map(_is_retry_info, status.details)):
        info = RetryInfo()
        info.retry_delay.FromNanoseconds(round(answer.retry_after * 1e9))
        status.details.add().Pack(info)
    return status


def _is_retry_info(detail: Any) -> bool:
    return bool(detail.TypeName() == RetryInfo.DESCRIPTOR.full_name)


def of_status(serialized: bytes) -> tuple[str, float | None, tuple[bytes, ...]]:
    """Message, seconds to wait (``None``: unsaid) and details of a serialized ``google.rpc.Status``.

    Raises:
        ValueError: where it is none.
    """
    try:
        status = Status.FromString(serialized)
        retry_after = None
        for detail in status.details:
            if _is_retry_info(detail):
                info = RetryInfo()
                detail.Unpack(info)
                retry_after = max(info.retry_delay.ToNanoseconds() / 1e9, 0.0)
    except DecodeError as error:
        raise ValueError(str(error)) from error
    return status.message[:MAX_MESSAGE], retry_after, tuple(detail.SerializeToString() for detail in status.details)


def of_status_text(body: bytes, encoding: Encoding | None) -> tuple[str, float | None, tuple[bytes, ...]]:
    """As :func:`of_status`, for the body of an HTTP failure, which may be anything: text then is the message."""
    try:
        if encoding is Encoding.PROTOBUF:
            return of_status(body)
        if encoding is Encoding.JSON:
            status = Status()
            from_json(parse(body), status)
            return of_status(status.SerializeToString())
    except ValueError:
        pass
    return body.decode(errors="replace").strip()[:MAX_MESSAGE], None, ()


def to_bytes(answer: Answer, signal: Signal, encoding: Encoding) -> bytes:
    """The body that tells this answer: the export's response, or the status of a failure."""
    if not answer.is_success:
        return write(status_of(answer), encoding)
    response = signal.response()
    if answer.rejected:
        setattr(response.partial_success, signal.rejected, answer.rejected)
    if answer.message:
        response.partial_success.error_message = answer.message
    return write(response, encoding)


def write(message: Any, encoding: Encoding) -> bytes:
    """A protobuf message in this encoding."""
    if encoding is Encoding.PROTOBUF:
        serialized: bytes = message.SerializeToString()
        return serialized
    try:
        text: str = json_format.MessageToJson(message, indent=None)
    except (TypeError, json_format.Error):  # details of a type that is not known here have no form in JSON
        text = json_format.MessageToJson(Status(code=message.code, message=message.message), indent=None)
    return text.encode()


def of_success(body: bytes, signal: Signal, encoding: Encoding) -> Answer:
    """A backend's answer of success, which may be partial. What is not an export's response counts as plain success."""
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
    partial = response.partial_success
    return Answer(message=partial.error_message[:MAX_MESSAGE], rejected=max(getattr(partial, signal.rejected), 0))
