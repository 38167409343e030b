"""Where records go, by the variables that mean what they mean for ``opentelemetry-exporter-otlp``.

Source: OpenTelemetry specification, "OpenTelemetry Protocol Exporter". ``CYCLETRACE_ENDPOINT`` (or
``configure(endpoint=...)``) is for cycletrace alone and beats them.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from cycletrace.diagnostics import warn_misuse
from cycletrace.urls import take_apart

TRACES = "traces"
LOGS = "logs"
SIGNALS = (TRACES, LOGS)
GRPC = "grpc"
HTTP = "http/protobuf"
GRPC_PORT = 4317
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
"""Source: RFC 9110, section 5.6.2."""


class Target(NamedTuple):
    """One signal's endpoint. ``url`` is whole for HTTP, and the base for gRPC; ``timeout`` in seconds.

    Headers and query may hold secrets; the URL does not, and may be shown.
    """

    signal: str
    url: str
    protocol: str
    headers: tuple[tuple[str, str], ...] = ()
    timeout: float = 10.0
    is_gzip: bool = False
    is_insecure: bool = False
    certificate: Path | None = None
    client_certificate: Path | None = None
    client_key: Path | None = None
    query: str = ""

    def __repr__(self) -> str:
        return f"Target({self.url!r})"


Destination = dict[str, Target]
"""By signal. A signal without a target is not delivered."""


def find(endpoint: str | None = None, environment: Mapping[str, str] | None = None) -> Destination | None:
    """Where records go: to ``endpoint`` (a base URL), else where the environment says; ``None``: nowhere."""
    env = os.environ if environment is None else environment
    if env.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return None
    targets = {signal: target for signal in SIGNALS if (target := _target(signal, endpoint, env))}
    return targets or None


def _target(signal: str, endpoint: str | None, env: Mapping[str, str]) -> Target | None:
    def option(name: str) -> str:
        return env.get(f"OTEL_EXPORTER_OTLP_{signal.upper()}_{name}") or env.get(f"OTEL_EXPORTER_OTLP_{name}") or ""

    own = "" if endpoint else env.get(f"OTEL_EXPORTER_OTLP_{signal.upper()}_ENDPOINT", "")
    url = own or endpoint or env.get("OTEL_EXPORTER_OTLP_ENDPOINT", "")
    if not url:
        return None
    protocol = _protocol(option("PROTOCOL"), url)
    if "://" not in url:
        url = f"http://{url}" if option("INSECURE").lower() == "true" or protocol == HTTP else f"https://{url}"
    try:
        parts = take_apart(url)
    except ValueError as error:
        warn_misuse("The endpoint for %s cannot be used: %s. Its records stay on this machine.", signal, error)
        return None
    url = parts.address
    if protocol == HTTP and not own:
        url = f"{url.rstrip('/')}/v1/{signal}"
    return Target(
        signal,
        url,
        protocol,
        headers=tuple(parts.authorize(_headers(option("HEADERS"))).items()),
        timeout=_seconds(option("TIMEOUT")),
        is_gzip=_is_gzip(option("COMPRESSION")),
        is_insecure=urlsplit(url).scheme == "http",
        certificate=_path(option("CERTIFICATE")),
        client_certificate=_path(option("CLIENT_CERTIFICATE")),
        client_key=_path(option("CLIENT_KEY")),
        query=parts.query,
    )


def _protocol(said: str, url: str) -> str:
    """As said; where nothing is said, the port of gRPC means gRPC."""
    if said in {GRPC, HTTP}:
        return said
    if said:
        warn_misuse("OTEL_EXPORTER_OTLP_PROTOCOL is %r, which is none of: %s, %s.", said, HTTP, GRPC)
    try:
        port = urlsplit(url if "://" in url else f"//{url}").port
    except ValueError:
        port = None
    return GRPC if port == GRPC_PORT else HTTP


def _headers(text: str) -> dict[str, str]:
    """Return comma-separated ``name=value`` pairs, percent-encoded. What is no header is left out and never shown."""
    headers = {}
    for item in filter(None, map(str.strip, text.split(","))):
        name, separator, value = (unquote(part).strip() for part in item.partition("="))
        if separator and _HEADER_NAME.fullmatch(name) and value.isprintable():
            headers[name.lower()] = value
        else:
            warn_misuse("OTEL_EXPORTER_OTLP_HEADERS holds something other than name=value pairs, which is left out.")
    return headers


def _seconds(text: str) -> float:
    try:
        seconds = float(text or 10)
    except ValueError:
        warn_misuse("OTEL_EXPORTER_OTLP_TIMEOUT is %r, which is no number of seconds. Going on with 10.", text)
        return 10.0
    return seconds if seconds > 0 else 10.0


def _is_gzip(said: str) -> bool:
    said = said.strip().lower()
    if said not in {"", "gzip", "none"}:
        warn_misuse("OTEL_EXPORTER_OTLP_COMPRESSION is %r, which is none of: gzip, none. Going on with none.", said)
    return said == "gzip"


def _path(text: str) -> Path | None:
    return Path(text) if text else None
