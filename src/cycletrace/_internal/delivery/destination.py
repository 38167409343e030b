"""Where records go: an OTLP endpoint for each signal, by ``CYCLETRACE_ENDPOINT`` or ``OTEL_EXPORTER_OTLP_*``.

The latter mean what they mean for ``opentelemetry-exporter-otlp``.
Source: OpenTelemetry specification, "OpenTelemetry Protocol Exporter".
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TypeVar
from urllib.parse import urlsplit

from cycletrace._internal import environment
from cycletrace._internal.diagnostics import warn_misuse
from cycletrace._internal.otlp.endpoint import GRPC, GRPC_PORT, HTTP, Endpoint, TlsFiles, parse_headers, signal_url
from cycletrace._internal.otlp.signals import LOGS, TRACES, Signal
from cycletrace._internal.otlp.urls import Parts, take_apart

T = TypeVar("T")

SIGNALS = {signal.name: signal for signal in (TRACES, LOGS)}
"""The signals that records are sent as, by name, in the order of delivery."""
OPTIONAL = LOGS.name
"""The signal that an endpoint need not support, since everything that lasts is a span."""

Destination = dict[str, Endpoint]
"""The endpoint of each signal, by its name. A signal without one is not delivered."""


def find(endpoint: str | None = None, env: Mapping[str, str] | None = None) -> Destination | None:
    """Return the endpoints for ``endpoint`` (a base URL), else those in the environment; ``None`` if there are none."""
    env = os.environ if env is None else env
    if environment.SDK_DISABLED.read(env):
        return None
    found = {name: one for name, signal in SIGNALS.items() if (one := _endpoint(signal, endpoint, env))}
    return found or None


def _endpoint(signal: Signal, endpoint: str | None, env: Mapping[str, str]) -> Endpoint | None:
    def option(variable: environment.Variable[T]) -> T:
        own = _of_signal(variable, signal)
        return variable.read(env, own if env.get(own) else variable.name)

    of_signal = _of_signal(environment.OTLP_ENDPOINT, signal)
    own = "" if endpoint else env.get(of_signal, "")
    url = (own or endpoint or environment.OTLP_ENDPOINT.read(env) or "").strip()
    if not url:
        return None
    protocol = option(environment.OTLP_PROTOCOL) or _default_protocol(url)
    if "://" not in url:
        url = f"http://{url}" if option(environment.OTLP_INSECURE) or protocol == HTTP else f"https://{url}"
    try:
        parts = _take_apart(url)
    except ValueError as error:
        source = of_signal if own else environment.ENDPOINT.name if endpoint else environment.OTLP_ENDPOINT.name
        warn_misuse("%s cannot be used: %s. Records stay on this machine.", source, error)
        return None
    url = parts.address
    if protocol == HTTP and not own:
        url = signal_url(url, signal)
    return Endpoint(
        url,
        headers=parts.authorize(_headers(option(environment.OTLP_HEADERS))),
        tls=TlsFiles(
            option(environment.OTLP_CERTIFICATE),
            option(environment.OTLP_CLIENT_CERTIFICATE),
            option(environment.OTLP_CLIENT_KEY),
        ),
        timeout=option(environment.OTLP_TIMEOUT),
        query=parts.query,
        protocol=protocol,
        is_gzip=option(environment.OTLP_COMPRESSION),
        is_whole=True,
    )


def _take_apart(url: str) -> Parts:
    """Separate what may be shown of the URL of an endpoint from the rest.

    Raises:
        ValueError: if nothing can be sent there. The message does not quote it.
    """
    parts = take_apart(url)
    if not parts.address.startswith(("http://", "https://")):
        raise ValueError("expected a URL that begins with http:// or https://, also for gRPC")
    return parts


def _of_signal(variable: environment.Variable[T], signal: Signal) -> str:
    """Return the name of the variable that takes precedence for a signal."""
    return variable.name.replace("OTLP_", f"OTLP_{signal.name.upper()}_")


def _default_protocol(url: str) -> str:
    try:
        port = urlsplit(url if "://" in url else f"//{url}").port
    except ValueError:
        port = None
    return GRPC if port == GRPC_PORT else HTTP


def _headers(text: str) -> dict[str, str]:
    """Return the headers in a variable. Anything else is left out, and never logged."""
    headers, is_sound = parse_headers(text)
    if not is_sound:
        warn_misuse("OTEL_EXPORTER_OTLP_HEADERS contains something other than name=value pairs. It is ignored.")
    return headers
