"""TLS for those who connect to the collector, with certificates that are read again when their files change."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Any, NamedTuple

import grpc

from cycletrace._internal.watched import Watched


class ServerFiles(NamedTuple):
    """Files in PEM for what listens."""

    certificate: Path
    key: Path | None = None
    """The private key; ``None``: it is in the same file."""
    client_ca: Path | None = None
    """Whoever connects needs a certificate that one of these signed; ``None``: nobody needs one."""


class _Loaded(NamedTuple):
    context: ssl.SSLContext
    configuration: Any
    """The same for gRPC."""


class ServerTls:
    """The certificates as they are now: each connection gets those that are valid when it begins."""

    def __init__(self, files: ServerFiles) -> None:
        """Read the files.

        Raises:
            OSError: if one cannot be read, or holds something else.
        """
        paths = [path for path in files if path is not None]
        self._asks = files.client_ca is not None
        self._loaded = Watched(paths, lambda: _load(files))

    def context(self) -> ssl.SSLContext:
        """Return the context of a server of the standard library's or aiohttp's kind."""
        context = self._loaded.current().context

        def choose(connection: ssl.SSLObject, _name: str | None, _context: ssl.SSLContext) -> None:
            connection.context = self._loaded.current().context

        context.sni_callback = choose  # also called for clients that name no server
        return context

    def credentials(self) -> Any:
        """Return the credentials of a gRPC server."""
        current = self._loaded.current
        return grpc.dynamic_ssl_server_credentials(
            current().configuration, lambda: current().configuration, require_client_authentication=self._asks
        )


def _load(files: ServerFiles) -> _Loaded:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(files.certificate, files.key, password="")  # else it would be asked for on a terminal
    context.options |= ssl.OP_NO_TICKET  # a resumed session would outlive the certificates that began it
    context.num_tickets = 0
    if files.client_ca is not None:
        context.load_verify_locations(files.client_ca)
        context.verify_mode = ssl.CERT_REQUIRED
    key = (files.key or files.certificate).read_bytes()
    trusted = None if files.client_ca is None else files.client_ca.read_bytes()
    return _Loaded(context, grpc.ssl_server_certificate_configuration([(key, files.certificate.read_bytes())], trusted))
