"""An HTTP server that silent connections cannot exhaust."""

from __future__ import annotations

import asyncio
import ssl
import sys
from collections import defaultdict
from collections.abc import Callable, Coroutine, Iterable
from contextlib import suppress
from ssl import SSLContext
from typing import Any, NamedTuple

from aiohttp import web
from aiohttp.typedefs import Handler

from cycletrace._internal.peers import network_of

IDLE = 120.0
"""Seconds that a connection may be without a request."""
HANDSHAKE = 10.0
"""Seconds that a handshake of TLS may take."""
_BACKLOG = 512
"""Connections that wait to be accepted."""
_SHARE = 4
"""One server may have this part of the files that the process may open."""
_SLACK = 8
"""By this part of what is allowed there may be more connections for a moment, so that closing some is rare."""
_PAUSE = 1.0
"""Seconds between looks at the connections."""


class _Silent(NamedTuple):
    """A connection without a request."""

    began: float
    transport: asyncio.Transport | None
    connection: web.RequestHandler | None = None
    """``None``: its handshake of TLS is under way."""


class WebServer:
    """Serves an application. Connections without a request are closed after a time, and where there are too many.

    Those of the address with most of them are closed first, of these those that had no request for longest.
    """

    def __init__(self, app: web.Application, idle: float = IDLE, **options: Any) -> None:
        """Serve this application; the options are those of :class:`aiohttp.web.AppRunner`."""
        app.middlewares.insert(0, self._attend)
        self._runner = web.AppRunner(app, access_log=None, **options)
        self._idle = idle
        self._busy: set[web.RequestHandler] = set()
        self._silent_since: dict[web.RequestHandler, float] = {}
        self._handshakes: dict[asyncio.Transport, float] = {}
        """Connections whose handshake of TLS is under way, and since when."""
        self._crowded = asyncio.Event()
        self._tls: SSLContext | None = None
        self._listener: asyncio.Server | None = None
        self._sweeping: asyncio.Task[None] | None = None

    async def start(self, host: str, port: int, tls: SSLContext | None = None) -> int:
        """Listen (port 0: any), over TLS with a context, and return the port.

        Raises:
            OSError: where it cannot listen there.
        """
        self._tls = tls
        await self._runner.setup()
        self._listener = await asyncio.get_running_loop().create_server(self._accept, host, port, backlog=_BACKLOG)
        self._sweeping = asyncio.create_task(self._keep_sweeping())
        listening: int = self._listener.sockets[0].getsockname()[1]
        return listening

    async def stop(self) -> None:
        """Stop listening, and wait for requests in progress as long as the options allow."""
        if self._sweeping is not None:
            self._sweeping.cancel()
        if self._listener is not None:
            self._listener.close()
        for transport in self._handshakes:
            transport.abort()
        await self._runner.cleanup()

    @web.middleware
    async def _attend(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        connection = request.protocol
        self._busy.add(connection)
        try:
            return await handler(request)
        finally:
            self._busy.discard(connection)
            self._silent_since[connection] = asyncio.get_running_loop().time()

    def _accept(self) -> asyncio.BaseProtocol:
        assert self._runner.server is not None
        most = most_connections()
        if len(self._runner.server.connections) + len(self._handshakes) > most + most // _SLACK:
            self._crowded.set()
        return self._runner.server() if self._tls is None else _Handshake(self._shake_hands)

    async def _shake_hands(self, transport: asyncio.Transport) -> None:
        """Go on with a connection that was just made over TLS. Until then it counts among the silent ones."""
        loop = asyncio.get_running_loop()
        self._handshakes[transport] = loop.time()
        assert self._runner.server is not None
        assert self._tls is not None
        protocol = self._runner.server()
        try:
            secure = await loop.start_tls(
                transport, protocol, self._tls, server_side=True, ssl_handshake_timeout=HANDSHAKE
            )
        except (OSError, ssl.SSLError):  # it was not TLS, not in time, or without the certificate
            transport.abort()
        else:
            assert secure is not None
            protocol.connection_made(secure)
        finally:
            del self._handshakes[transport]

    async def _keep_sweeping(self) -> None:
        while self._runner.server is not None:
            self._sweep(most_connections())
            with suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._crowded.wait(), _PAUSE)
            self._crowded.clear()

    def _sweep(self, most: int) -> None:
        """Close what is silent for too long or beyond the number of connections that there may be."""
        assert self._runner.server is not None
        now = asyncio.get_running_loop().time()
        connections = self._runner.server.connections
        since = self._silent_since
        self._silent_since = {one: since.get(one, now) for one in connections if one not in self._busy}
        excess = len(connections) + len(self._handshakes) - most
        silent = [_Silent(began, one.transport, one) for one, began in self._silent_since.items()]
        silent += [_Silent(began, transport) for transport, began in self._handshakes.items()]
        for number, one in enumerate(_in_order(silent)):
            if number < excess or now - one.began >= self._idle:
                if one.connection is not None:
                    one.connection.force_close()
                if one.transport is not None:
                    one.transport.abort()  # otherwise it would stay until the client has read what is left


class _Handshake(asyncio.Protocol):
    """A connection that was just made: nothing is read from it but by the handshake of TLS."""

    def __init__(self, shake: Callable[[asyncio.Transport], Coroutine[Any, Any, None]]) -> None:
        self._shake = shake

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        transport.pause_reading()
        self._task = asyncio.get_running_loop().create_task(self._shake(transport))


def _in_order(silent: Iterable[_Silent]) -> list[_Silent]:
    """Return those that are to be closed first, first."""
    by_address: dict[str, list[_Silent]] = defaultdict(list)
    for one in sorted(silent, key=lambda one: one.began):
        by_address[_address(one.transport)].append(one)
    ranked = [(rank, one) for some in by_address.values() for rank, one in enumerate(reversed(some))]
    return [one for _, one in sorted(ranked, key=lambda pair: -pair[0])]


def _address(transport: asyncio.Transport | None) -> str:
    peer = None if transport is None else transport.get_extra_info("peername")
    return network_of(peer[0]) if peer else ""


def most_connections() -> int:
    """Return how many connections one server may have, of the files that the process may open."""
    try:
        import resource
    except ImportError:  # Windows, where there is no such limit
        return sys.maxsize
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return sys.maxsize if soft == resource.RLIM_INFINITY else soft // _SHARE
