"""One request to an OTLP endpoint over a blocking connection: requests for HTTP, grpcio for gRPC.

The exporters' own ``export()`` returns only success or failure, but whether to retry depends on the status. ``otlp``
classifies responses, for the collector too.
"""

from __future__ import annotations

import gzip
import os
import sys
from contextlib import AbstractContextManager, contextmanager
from importlib import import_module
from typing import TYPE_CHECKING, Any, TypeAlias

from cycletrace._internal.otlp.endpoint import Endpoint
from cycletrace._internal.otlp.result import ExportResult, unavailable
from cycletrace._internal.otlp.urls import reason

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from cycletrace._internal.otlp.signals import Signal

Sender: TypeAlias = "Callable[[bytes, float], ExportResult]"
"""Sends one serialised request and waits for the response for at most this many seconds. Never raises."""


def open_sender(endpoint: Endpoint, signal: Signal) -> AbstractContextManager[Sender]:
    """Open a connection for a signal's requests, for as long as the context lasts.

    If other threads may fork, call and enter it with ``loading.lock`` held: it imports what is needed to send requests
    and to read responses.
    """
    import_module("cycletrace._internal.otlp.classify")
    signal.response()  # imports its message type
    return _grpc_sender(endpoint, signal) if endpoint.is_grpc else _http_sender(endpoint, signal)


@contextmanager
def _http_sender(endpoint: Endpoint, signal: Signal) -> Generator[Sender, None, None]:
    import requests

    from cycletrace._internal.otlp.classify import classify_http

    session, verify = _open_session(endpoint)
    if endpoint.is_gzip:
        session.headers["Content-Encoding"] = "gzip"
    url = endpoint.request_url(signal)

    def send(body: bytes, seconds: float) -> ExportResult:
        data = gzip.compress(body, compresslevel=1) if endpoint.is_gzip else body
        try:
            timeout = min(seconds, endpoint.timeout)
            response = session.post(url, data=data, timeout=timeout, allow_redirects=False, verify=verify)
        except (requests.RequestException, OSError, ValueError) as error:
            return _unreachable(error)
        result = classify_http(signal, response.status_code, response.headers, response.content, response.reason or "")
        return _name(endpoint, result)

    try:
        yield send
    finally:
        _close(session)


def _open_session(endpoint: Endpoint) -> tuple[Any, str | bool]:
    """Return a session for this endpoint, and how each of its requests verifies certificates."""
    import requests

    session = requests.Session()
    session.headers.update({"Content-Type": "application/x-protobuf", "User-Agent": "cycletrace"})
    session.headers.update(endpoint.headers)
    tls = endpoint.tls
    if tls.client_certificate:
        pair = (str(tls.client_certificate), str(tls.client_key)) if tls.client_key else None
        session.cert = pair or str(tls.client_certificate)
    # Passed with each request, because REQUESTS_CA_BUNDLE would take precedence over the session's.
    return session, str(tls.certificate) if tls.certificate else True


def date_of(endpoint: Endpoint, signal: Signal) -> str | None:
    """Return the ``Date`` that an endpoint states over HTTP, if it does."""
    import requests

    if endpoint.is_grpc:
        return None
    session, verify = _open_session(endpoint)
    try:
        url = endpoint.request_url(signal)
        response = session.head(url, timeout=endpoint.timeout, allow_redirects=False, verify=verify)
        date: str | None = response.headers.get("Date")
    except (requests.RequestException, OSError, ValueError):
        return None
    finally:
        _close(session)
    return date


def _unreachable(error: BaseException) -> ExportResult:
    return unavailable("the endpoint cannot be reached", logged=reason(error))


def _name(endpoint: Endpoint, result: ExportResult) -> ExportResult:
    """Return the result, with the URL in the log message of a failure."""
    return result if result.is_success else result._replace(logged=f"{endpoint.url} {result.logged}")


def _close(session: Any) -> None:
    """Close the connections of a session. Its own ``close`` leaves that to finalizers, which do nothing at exit."""
    for adapter in session.adapters.values():
        for manager in (adapter.poolmanager, *adapter.proxy_manager.values()):
            for key in manager.pools.keys():  # noqa: SIM118 - no mapping, whatever it looks like
                manager.pools[key].close()


@contextmanager
def _quiet_grpc() -> Generator[None, None, None]:
    """Keep the C library from printing to stderr, if we load it first and the user did not ask for its messages.

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
def _grpc_sender(endpoint: Endpoint, signal: Signal) -> Generator[Sender, None, None]:
    try:
        with _quiet_grpc():
            channel = _grpc_channel(endpoint)
    except OSError as error:  # a TLS file
        unreadable = _unreachable(error)
        yield lambda _body, _seconds: unreadable
        return
    import grpc

    from cycletrace._internal.otlp.classify import classify_grpc, classify_success

    export = channel.unary_unary(signal.method)  # no serialisers: bytes in, bytes out
    metadata = tuple((name.lower(), value) for name, value in endpoint.headers.items())

    def send(body: bytes, seconds: float) -> ExportResult:
        try:
            response = export(body, timeout=min(seconds, endpoint.timeout), metadata=metadata)
        except grpc.RpcError as error:
            call: Any = error
            code, name = call.code().value[0], call.code().name
            result = classify_grpc(code, name, call.details() or "", call.trailing_metadata() or ())
            return _name(endpoint, result)
        except ValueError as error:  # gRPC allows fewer header names than HTTP
            return _unreachable(error)
        return classify_success(signal, response)

    with channel:
        yield send


def _grpc_channel(endpoint: Endpoint) -> Any:
    import grpc

    compression = grpc.Compression.Gzip if endpoint.is_gzip else grpc.Compression.NoCompression
    # A pool of its own, or a new channel would take over the backoff of the one before.
    options = (("grpc.use_local_subchannel_pool", 1),)
    if not endpoint.is_secure:
        return grpc.insecure_channel(endpoint.address, options, compression)
    credentials = grpc.ssl_channel_credentials(*endpoint.tls.read())
    return grpc.secure_channel(endpoint.address, credentials, options, compression)


def is_refused(endpoint: Endpoint) -> bool:
    """Return whether the endpoint refuses connections, at the cost of one attempt.

    At exit this answers before any library for sending needs to be imported.
    """
    import socket

    if any(os.environ.get(name) for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY")):
        return False
    try:
        socket.create_connection((endpoint.host, endpoint.port), timeout=0.5).close()
    except TimeoutError:
        return False
    except (OSError, ValueError):
        return True
    return False
