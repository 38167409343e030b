"""One request to an OTLP endpoint, and what its answer means for the records in it.

The exporters' own ``export()`` says only success or failure; whether to try again, later or never, needs the
status. Source: OTLP specification, "OTLP/gRPC Response" and "OTLP/HTTP Response".
"""

from __future__ import annotations

import gzip
import os
import sys
from contextlib import AbstractContextManager, contextmanager
from enum import Enum
from importlib import import_module
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias
from urllib.parse import urlsplit

from cycletrace.emit.delivery.destination import GRPC, LOGS, Target
from cycletrace.urls import reason

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from pathlib import Path

_DETAILS = "grpc-status-details-bin"
"""Where gRPC carries a ``google.rpc.Status``."""


class Verdict(Enum):
    """What becomes of the records in a request."""

    DONE = "done"
    LATER = "later"
    """Keep them and try again: nobody answered, or not now."""
    SPLIT = "split"
    """Refused as a whole: a smaller request may pass, and a single record that is refused never will."""
    UNSUPPORTED = "unsupported"
    """The endpoint knows no such signal."""


class Answer(NamedTuple):
    """A verdict, in words what was answered, seconds to wait where the endpoint names them, records it rejected."""

    verdict: Verdict
    detail: str = ""
    retry_after: float | None = None
    rejected: int = 0


Sender: TypeAlias = "Callable[[bytes, float], Answer]"
"""Sends one serialised request, waiting for its answer at most as many seconds. Never raises."""


def open_sender(target: Target) -> AbstractContextManager[Sender]:
    """Open a connection to a target, for as long as the context lasts."""
    return _grpc_sender(target) if target.protocol == GRPC else _http_sender(target)


@contextmanager
def _http_sender(target: Target) -> Generator[Sender, None, None]:
    import requests

    session = requests.Session()
    session.headers.update({"Content-Type": "application/x-protobuf", "User-Agent": "cycletrace"})
    session.headers.update(dict(target.headers))
    url = f"{target.url}?{target.query}" if target.query else target.url
    # Said with each request, since REQUESTS_CA_BUNDLE would beat what the session says.
    verify = str(target.certificate) if target.certificate else True
    if target.client_certificate:
        pair = (str(target.client_certificate), str(target.client_key)) if target.client_key else None
        session.cert = pair or str(target.client_certificate)
    if target.is_gzip:
        session.headers["Content-Encoding"] = "gzip"

    def send(body: bytes, seconds: float) -> Answer:
        data = gzip.compress(body, compresslevel=1) if target.is_gzip else body
        try:
            timeout = min(seconds, target.timeout)
            response = session.post(url, data=data, timeout=timeout, allow_redirects=False, verify=verify)
        except (requests.RequestException, OSError, ValueError) as error:
            return Answer(Verdict.LATER, reason(error))
        return _read_http(target, response)

    try:
        yield send
    finally:
        _close(session)


def _close(session: Any) -> None:
    """Close the connections of a session. Its own ``close`` leaves that to finalizers, which do nothing at exit."""
    for adapter in session.adapters.values():
        for manager in (adapter.poolmanager, *adapter.proxy_manager.values()):
            for key in manager.pools.keys():  # noqa: SIM118 - no mapping, whatever it looks like
                manager.pools[key].close()


def _read_http(target: Target, response: Any) -> Answer:
    status = response.status_code
    if 200 <= status < 300:
        return _accepted(target, response.content)
    detail = f"{target.url} answered {status} {response.reason}"
    if status in {404, 405, 501} and target.signal == LOGS:
        return Answer(Verdict.UNSUPPORTED, detail)
    if status in {400, 413, 422}:
        return Answer(Verdict.SPLIT, detail)
    return Answer(Verdict.LATER, detail, _seconds(response.headers.get("Retry-After")))


def _seconds(text: str | None) -> float | None:
    """The seconds of a ``Retry-After``; an HTTP date is none: our own pace will do."""
    return float(text) if text and text.isdecimal() else None


def _accepted(target: Target, body: bytes) -> Answer:
    from google.protobuf.message import DecodeError

    try:
        if target.signal == LOGS:
            from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse

            log_success = ExportLogsServiceResponse.FromString(body).partial_success
            rejected, message = log_success.rejected_log_records, log_success.error_message
        else:
            from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

            success = ExportTraceServiceResponse.FromString(body).partial_success
            rejected, message = success.rejected_spans, success.error_message
    except DecodeError:  # accepted is accepted, whatever else the endpoint has to say
        return Answer(Verdict.DONE)
    return Answer(Verdict.DONE, message, rejected=rejected)


@contextmanager
def _quiet_grpc() -> Generator[None, None, None]:
    """Keep the C library from printing to stderr, where we are the first to load it and the user said nothing.

    It reads the variable once, when the first channel is made.
    """
    if "grpc" in sys.modules or "GRPC_VERBOSITY" in os.environ:
        yield
        return
    os.environ["GRPC_VERBOSITY"] = "NONE"
    try:
        yield
    finally:
        os.environ.pop("GRPC_VERBOSITY", None)


@contextmanager
def _grpc_sender(target: Target) -> Generator[Sender, None, None]:
    with _quiet_grpc():
        channel = _grpc_channel(target)
    import grpc

    # No serialisers: bytes in, bytes out.
    service = "trace.v1.TraceService" if target.signal != LOGS else "logs.v1.LogsService"
    export = channel.unary_unary(f"/opentelemetry.proto.collector.{service}/Export")
    metadata = tuple((name.lower(), value) for name, value in target.headers)

    def send(body: bytes, seconds: float) -> Answer:
        try:
            return _accepted(target, export(body, timeout=min(seconds, target.timeout), metadata=metadata))
        except grpc.RpcError as error:
            return _read_grpc(target, error)

    with channel:
        yield send


def _grpc_channel(target: Target) -> Any:
    import grpc

    import_module("google.rpc.error_details_pb2")  # now, so that no fork falls into that import

    parts = urlsplit(target.url)
    address = parts.netloc or parts.path
    compression = grpc.Compression.Gzip if target.is_gzip else grpc.Compression.NoCompression
    # A pool of its own, or a new channel would take over the backoff of the one before.
    options = (("grpc.use_local_subchannel_pool", 1),)
    if target.is_insecure:
        return grpc.insecure_channel(address, options, compression)
    credentials = grpc.ssl_channel_credentials(
        root_certificates=_read(target.certificate),
        private_key=_read(target.client_key),
        certificate_chain=_read(target.client_certificate),
    )
    return grpc.secure_channel(address, credentials, options, compression)


def _read(path: Path | None) -> bytes | None:
    return None if path is None else path.read_bytes()


def _read_grpc(target: Target, error: Any) -> Answer:
    import grpc

    code = error.code()
    detail = f"{target.url} answered {code.name}: {error.details()}"
    if code is grpc.StatusCode.UNIMPLEMENTED and target.signal == LOGS:
        return Answer(Verdict.UNSUPPORTED, detail)
    # gRPC itself says RESOURCE_EXHAUSTED of a message over the receiver's limit; from anybody else it means later.
    is_too_large = code is grpc.StatusCode.RESOURCE_EXHAUSTED and "larger than max" in detail
    if code is grpc.StatusCode.INVALID_ARGUMENT or is_too_large:
        return Answer(Verdict.SPLIT, detail)
    return Answer(Verdict.LATER, detail, _retry_delay(error))


def _retry_delay(error: Any) -> float | None:
    """The seconds to wait that the endpoint asks for by a ``google.rpc.RetryInfo``."""
    from google.protobuf.message import DecodeError
    from google.rpc.error_details_pb2 import RetryInfo
    from google.rpc.status_pb2 import Status

    info = RetryInfo()
    try:
        status = Status.FromString(dict(error.trailing_metadata() or ()).get(_DETAILS, b""))
        is_said = any(detail.Unpack(info) for detail in status.details)
    except DecodeError:
        return None
    return info.retry_delay.ToNanoseconds() / 1e9 if is_said else None


def is_refused(target: Target) -> bool:
    """Whether nobody listens at the target, found out at the cost of one connection attempt.

    At exit this answers before any library for sending needs to be imported.
    """
    import socket

    parts = urlsplit(target.url)
    default = 443 if parts.scheme == "https" else 80
    if any(os.environ.get(name) for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY")):
        return False
    try:
        socket.create_connection((parts.hostname or "", parts.port or default), timeout=0.5).close()
    except TimeoutError:
        return False
    except (OSError, ValueError):
        return True
    return False
