"""Where OTLP goes: the URL of an endpoint, its protocol, port, headers and TLS files.

Source: OpenTelemetry specification, "OpenTelemetry Protocol Exporter".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import unquote, urlsplit

from cycletrace._internal.otlp.signals import SIGNALS, Signal
from cycletrace._internal.otlp.urls import take_apart

if TYPE_CHECKING:
    import ssl

GRPC = "grpc"
HTTP = "http/protobuf"
GRPC_PORT = 4317
SCHEMES = ("http", "https", "grpc", "grpcs")
_PORTS = {"http": 80, "https": 443, "grpc": GRPC_PORT, "grpcs": GRPC_PORT}
_GRPC_SCHEMES = ("grpc", "grpcs")
_PLAIN_SCHEMES = ("http", "grpc")
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", re.ASCII)
"""Source: RFC 9110, section 5.6.2."""


class TlsFiles(NamedTuple):
    """Files in PEM for endpoints that speak TLS."""

    certificate: Path | None = None
    """Certificates that are trusted instead of the usual ones."""
    client_certificate: Path | None = None
    """Who we are, where the endpoint asks."""
    client_key: Path | None = None
    """The private key of that; ``None``: it lies in the same file."""

    def context(self) -> ssl.SSLContext:
        """Return a context that trusts and presents what the files hold.

        Raises:
            OSError: where one cannot be read, or holds none.
        """
        import ssl

        context = ssl.create_default_context(cafile=self.certificate)
        if self.client_certificate is not None:  # without a password it would be asked for on a terminal
            context.load_cert_chain(self.client_certificate, self.client_key, password="")
        return context

    def read(self) -> tuple[bytes | None, bytes | None, bytes | None]:
        """Return trusted certificates, private key and own certificates, as gRPC's credentials take them.

        Raises:
            OSError: where a file cannot be read.
        """
        trusted, own, key = (None if path is None else path.read_bytes() for path in self)
        return trusted, key or own, own


class Endpoint(NamedTuple):
    """Where requests are sent. Headers and query may hold secrets; the URL does not, and may be shown."""

    url: str
    """Of HTTP the base, to which each signal's path is added."""
    headers: Mapping[str, str] = {}
    tls: TlsFiles = TlsFiles()
    timeout: float = 10.0
    """Seconds for one request."""
    query: str = ""
    protocol: str = HTTP
    """``grpc`` or ``http/protobuf``. The schemes ``grpc`` and ``grpcs`` are gRPC whatever it is."""
    is_gzip: bool = False
    """Whether the SDK compresses its requests. The collector passes on what is compressed as it came."""
    is_whole: bool = False
    """Whether the URL is the whole one of a single signal, used as it is."""

    def __repr__(self) -> str:
        return f"Endpoint({self.url!r})"

    @property
    def scheme(self) -> str:
        """The scheme, in lower case."""
        return urlsplit(self.url).scheme

    @property
    def host(self) -> str:
        """The name or address of the host."""
        return urlsplit(self.url).hostname or ""

    @property
    def port(self) -> int:
        """The port: as given, else the usual one of the scheme; gRPC itself takes that of https for both."""
        given = urlsplit(self.url).port
        if given is not None:
            return given
        return _PORTS.get("https" if self.is_grpc and self.scheme == "http" else self.scheme, _PORTS["https"])

    @property
    def address(self) -> str:
        """Host and port, as gRPC takes them."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def is_grpc(self) -> bool:
        """Whether it speaks gRPC, else HTTP."""
        return self.protocol == GRPC or self.scheme in _GRPC_SCHEMES

    @property
    def is_secure(self) -> bool:
        """Whether it speaks TLS."""
        return self.scheme not in _PLAIN_SCHEMES

    def request_url(self, signal: Signal) -> str:
        """Return the URL for a signal's requests over HTTP. It holds the query, so it must not be shown."""
        is_complete = self.is_whole or any(self.url.rstrip("/").endswith(one.path) for one in SIGNALS)
        url = self.url if self.is_whole else self.url.rstrip("/")
        if not is_complete:
            url = signal_url(url, signal)
        return f"{url}?{self.query}" if self.query else url


def signal_url(base: str, signal: Signal) -> str:
    """Return a base URL with a signal's path added.

    Source: https://opentelemetry.io/docs/specs/otel/protocol/exporter/#endpoint-urls-for-otlphttp
    """
    return base.rstrip("/") + signal.path


def checked(endpoint: Endpoint) -> Endpoint:
    """Return the endpoint with user, password and query taken out of its URL, where that is one that can be sent to.

    Raises:
        ValueError: with the sentence that helps, which shows no secret.
    """
    url, query, _ = parts = take_apart(endpoint.url)
    scheme, place, path, _, _ = urlsplit(url)
    if scheme not in SCHEMES:
        expected = ", ".join(f"{scheme}://" for scheme in SCHEMES)
        raise ValueError(f"expected a URL that begins with one of {expected}")
    if not urlsplit(url).hostname or urlsplit(url).port == 0:
        raise ValueError(f"{url} names no host and port to send to")
    if scheme in _GRPC_SCHEMES and (path.strip("/") or query):
        raise ValueError(f"gRPC knows no path and no query; expected {scheme}://{place}")
    if endpoint.tls.client_key is not None and endpoint.tls.client_certificate is None:
        raise ValueError(f"{url} has a client's key without a client's certificate")
    return endpoint._replace(url=url, query=query, headers=parts.authorize(endpoint.headers))


def parse_headers(text: str) -> tuple[dict[str, str], bool]:
    """Return the headers in comma-separated ``name=value`` pairs, percent-encoded, with names in lower case.

    The second value is whether everything in the text was a header; what is none is left out. It may hold a secret,
    so whoever complains must not quote it.

    Source: OpenTelemetry specification, "Specifying headers via environment variables".
    """
    headers: dict[str, str] = {}
    is_sound = True
    for item in filter(None, map(str.strip, text.split(","))):
        name, separator, value = (unquote(part).strip() for part in item.partition("="))
        if separator and is_header(name, value):
            headers[name.lower()] = value
        else:
            is_sound = False
    return headers, is_sound


def is_header(name: str, value: str) -> bool:
    """Return whether both HTTP and gRPC take a header of this name and value."""
    return bool(_HEADER_NAME.fullmatch(name)) and value.isascii() and value.isprintable()
