"""An HTTP server that silent connections cannot exhaust."""

from __future__ import annotations

import asyncio
import sys
from ssl import SSLContext
from typing import Any

from aiohttp import web
from aiohttp.typedefs import Handler

IDLE = 120.0
"""Seconds that a connection may be without a request."""
HANDSHAKE = 10.0
"""Seconds that a handshake of TLS may take."""
_BACKLOG = 128
"""Connections that wait to be accepted."""
_SHARE = 4
"""One server may have this part of the files that the process may open."""
_PAUSE = 1.0
"""Seconds between looks at the connections."""


class WebServer:
    """Serves an application. Connections without a request are closed, those that had none for longest first."""

    def __init__(self, app: web.Application, idle: float = IDLE, **options: Any) -> None:
        """Serve this application; the options are those of :class:`aiohttp.web.AppRunner`."""
        app.middlewares.insert(0, self._attend)
        self._runner = web.AppRunner(app, access_log=None, **options)
        self._idle = idle
        self._busy: set[web.RequestHandler] = set()
        self._silent_since: dict[web.RequestHandler, float] = {}
        self._listener: asyncio.Server | None = None
        self._sweeping: asyncio.Task[None] | None = None

    async def start(self, host: str, port: int, tls: SSLContext | None = None) -> int:
        """Listen (port 0: any), over TLS with a context, and return the port.

        Raises:
            OSError: where it cannot listen there.
        """
        await self._runner.setup()
        assert self._runner.server is not None
        self._listener = await asyncio.get_running_loop().create_server(
            self._runner.server,
            host,
            port,
            ssl=tls,
            ssl_handshake_timeout=None if tls is None else HANDSHAKE,
            backlog=_BACKLOG,
        )
        self._sweeping = asyncio.create_task(self._sweep())
        listening: int = self._listener.sockets[0].getsockname()[1]
        return listening

    async def stop(self) -> None:
        """Stop listening, and wait for requests in progress as long as the options allow."""
        if self._sweeping is not None:
            self._sweeping.cancel()
        if self._listener is not None:
            self._listener.close()
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

    async def _sweep(self) -> None:
        while self._runner.server is not None:
            now = asyncio.get_running_loop().time()
            connections = self._runner.server.connections
            since = self._silent_since
            self._silent_since = {one: since.get(one, now) for one in connections if one not in self._busy}
            excess = len(connections) - _most_connections()
            for number, (connection, began) in enumerate(sorted(self._silent_since.items(), key=_began)):
                if number >= excess and now - began < self._idle:
                    break
                transport = connection.transport
                connection.force_close()
                if transport is not None:
                    transport.abort()  # otherwise it would stay until the client has read what is left
            await asyncio.sleep(_PAUSE)


def _began(silent: tuple[web.RequestHandler, float]) -> float:
    return silent[1]


def _most_connections() -> int:
    try:
        import resource
    except ImportError:  # Windows, where there is no such limit
        return sys.maxsize
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return sys.maxsize if soft == resource.RLIM_INFINITY else soft // _SHARE
