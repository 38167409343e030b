"""A backend: where requests go on to, over HTTP or gRPC, by the scheme of its URL."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple, Protocol
from urllib.parse import urlsplit

from cycletrace.collector.answer import Answer
from cycletrace.collector.signals import SIGNALS, Request
from cycletrace.urls import take_apart

SCHEMES = ("http", "https", "grpc", "grpcs")
GRPC_PORT = 4317
_HTTP_PORTS = {"http": 80, "https": 443}


class Tls(NamedTuple):
    """Files in PEM for backends that speak TLS."""

    certificate: Path | None = None
    """Certificates that are trusted instead of the usual ones."""
    client_certificate: Path | None = None
    """Who we are, where the backend asks."""
    client_key: Path | None = None
    """The private key of that; ``None``: it lies in the same file."""

    def context(self) -> ssl.SSLContext:
        """What the files say.

        Raises:
            OSError: where one cannot be read, or holds none.
        """
        context = ssl.create_default_context(cafile=self.certificate)
        if self.client_certificate is not None:  # without a password it would be asked for on a terminal
            context.load_cert_chain(self.client_certificate, self.client_key, password="")
        return context


class Target(NamedTuple):
    """One backend of one signal. ``timeout`` is in seconds. Headers and query may hold secrets; the URL does not."""

    url: str
    headers: Mapping[str, str] = {}
    tls: Tls = Tls()
    timeout: float = 10.0
    query: str = ""

    def __repr__(self) -> str:
        return f"Target({self.url!r})"

    @property
    def scheme(self) -> str:
        """The scheme, lower case."""
        return urlsplit(self.url).scheme

    @property
    def host(self) -> str:
        """The name or address of the host."""
        return urlsplit(self.url).hostname or ""

    @property
    def port(self) -> int:
        """The port, as given or as usual for the scheme."""
        return urlsplit(self.url).port or _HTTP_PORTS.get(self.scheme, GRPC_PORT)


def checked(target: Target) -> Target:
    """Return the target with user, password and query taken out of its URL, where that is one that can be sent to.

    Raises:
        ValueError: with the sentence that helps, which shows no secret.
    """
    url, query, _ = parts = take_apart(target.url)
    scheme, place, path, _, _ = urlsplit(url)
    if scheme not in SCHEMES:
        expected = ", ".join(f"{scheme}://" for scheme in SCHEMES)
        raise ValueError(f"expected a URL that begins with one of {expected}")
    if not urlsplit(url).hostname or urlsplit(url).port == 0:
        raise ValueError(f"{url} names no host and port to send to")
    if scheme in ("grpc", "grpcs") and (path.strip("/") or query):
        raise ValueError(f"gRPC knows no path and no query; expected {scheme}://{place}")
    if target.tls.client_key is not None and target.tls.client_certificate is None:
        raise ValueError(f"{url} has a client's key without a client's certificate")
    return target._replace(url=url, query=query, headers=parts.authorize(target.headers))


def endpoint(url: str, path: str) -> str:
    """The URL of a signal: a base URL gets the signal's path appended, one that ends in a signal's path stays.

    Source: https://opentelemetry.io/docs/specs/otel/protocol/exporter/#endpoint-urls-for-otlphttp
    """
    base = url.rstrip("/")
    return base if any(base.endswith(signal.path) for signal in SIGNALS) else base + path


class Backend(Protocol):
    """Something that takes requests as they came and says what became of them."""

    @property
    def target(self) -> Target:
        """Where it is."""
        ...

    async def send(self, request: Request) -> Answer:
        """Pass a request on. Never raises: what goes wrong is an answer."""
        ...

    async def close(self) -> None:
        """Give its connections back."""
        ...
