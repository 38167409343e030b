"""Where records go, by the variables that mean what they mean for ``opentelemetry-exporter-otlp``.

Source: OpenTelemetry specification, "OpenTelemetry Protocol Exporter". ``CYCLETRACE_ENDPOINT`` (or
``configure(endpoint=...)``) is for cycletrace alone and beats them.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from cycletrace._internal.diagnostics import warn_misuse
from cycletrace._internal.otlp.endpoint import GRPC, GRPC_PORT, HTTP, Endpoint, TlsFiles, parse_headers, signal_url
from cycletrace._internal.otlp.signals import LOGS, TRACES, Signal
from cycletrace._internal.otlp.urls import take_apart

SIGNALS = {signal.name: signal for signal in (TRACES, LOGS)}
"""Those that records travel by, in the order of delivery."""
OPTIONAL = LOGS.name
"""The signal that an endpoint need not support: whatever lasts is a span."""

Destination = dict[str, Endpoint]
"""By name of the signal. A signal without an endpoint is not delivered."""


def find(endpoint: str | None = None, environment: Mapping[str, str] | None = None) -> Destination | None:
    """Return where records go: to ``endpoint`` (a base URL), else where the environment has it; ``None``: nowhere."""
    env = os.environ if environment is None else environment
    if env.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return None
    found = {name: one for name, signal in SIGNALS.items() if (one := _endpoint(signal, endpoint, env))}
    return found or None


def _endpoint(signal: Signal, endpoint: str | None, env: Mapping[str, str]) -> Endpoint | None:
    prefix = "OTEL_EXPORTER_OTLP_"

    def option(name: str) -> str:
        return env.get(f"{prefix}{signal.name.upper()}_{name}") or env.get(f"{prefix}{name}") or ""

    own = "" if endpoint else env.get(f"{prefix}{signal.name.upper()}_ENDPOINT", "")
    url = own or endpoint or env.get(f"{prefix}ENDPOINT", "")
    if not url:
        return None
    protocol = _protocol(option("PROTOCOL"), url)
    if "://" not in url:
        url = f"http://{url}" if option("INSECURE").lower() == "true" or protocol == HTTP else f"https://{url}"
    try:
        parts = take_apart(url)
    except ValueError as error:
        warn_misuse("The endpoint for %s cannot be used: %s. Its records stay on this machine.", signal.name, error)
        return None
    url = parts.address
    if protocol == HTTP and not own:
        url = signal_url(url, signal)
    if url.startswith("grpc://"):  # as the exporter has it: only http is without TLS
        url = url.replace("grpc", "grpcs", 1)
    tls = TlsFiles(_path(option("CERTIFICATE")), _path(option("CLIENT_CERTIFICATE")), _path(option("CLIENT_KEY")))
    return Endpoint(
        url,
        headers=parts.authorize(_headers(option("HEADERS"))),
        tls=tls,
        timeout=_seconds(option("TIMEOUT")),
        query=parts.query,
        protocol=protocol,
        is_gzip=_is_gzip(option("COMPRESSION")),
        is_whole=True,
    )


def _protocol(given: str, url: str) -> str:
    """Return the protocol that is given; where none is, the port of gRPC means gRPC."""
    if given in {GRPC, HTTP}:
        return given
    if given:
        warn_misuse("OTEL_EXPORTER_OTLP_PROTOCOL is %r, which is none of: %s, %s.", given, HTTP, GRPC)
    try:
        port = urlsplit(url if "://" in url else f"//{url}").port
    except ValueError:
        port = None
    return GRPC if port == GRPC_PORT else HTTP


def _headers(text: str) -> dict[str, str]:
    """Return the headers in a variable. What is no header is left out and never shown."""
    headers, is_sound = parse_headers(text)
    if not is_sound:
        warn_misuse("OTEL_EXPORTER_OTLP_HEADERS holds something other than name=value pairs, which is left out.")
    return headers


def _seconds(text: str) -> float:
    try:
        seconds = float(text or 10)
    except ValueError:
        warn_misuse("OTEL_EXPORTER_OTLP_TIMEOUT is %r, which is no number of seconds. Going on with 10.", text)
        return 10.0
    return seconds if seconds > 0 else 10.0


def _is_gzip(given: str) -> bool:
    given = given.strip().lower()
    if given not in {"", "gzip", "none"}:
        warn_misuse("OTEL_EXPORTER_OTLP_COMPRESSION is %r, which is none of: gzip, none. Going on with none.", given)
    return given == "gzip"


def _path(text: str) -> Path | None:
    return Path(text) if text else None
