"""The HTTP server of the board."""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from ssl import SSLContext

from aiohttp import web

from cycletrace._internal.address import Address
from cycletrace._internal.board import sign_in
from cycletrace._internal.board.board import Answer, Board, NotKeptError
from cycletrace._internal.board.responses import HEADERS, LOCAL_HOSTS, Request, Response, failed, respond
from cycletrace._internal.board.selection import Selection
from cycletrace._internal.web_server import WebServer

_log = logging.getLogger("cycletrace.board")

_THREADS = 4
"""One that reads the store, and some that wait for it with a first request."""


class ListenError(Exception):
    """The board cannot listen on its address. The message is the reason."""


class BoardServer:
    """Serves a board. Threads of its own read the store and make pages, so that the event loop goes on."""

    def __init__(self, board: Board, may_read: Callable[[str], bool] | None = None) -> None:
        """Serve this board to whoever has a token that ``may_read``, without that to all who know its host."""
        self._board = board
        self._may_read = may_read
        self._hosts: frozenset[str] | None = LOCAL_HOSTS
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="cycletrace-board")
        self._server: WebServer | None = None

    async def start(self, address: Address, tls: SSLContext | None = None) -> int:
        """Listen (port 0: any), over TLS with a context, and return the port.

        Raises:
            OSError: where it cannot listen there.
        """
        # A page of another site has no cookie of ours, whatever name it calls us by.
        self._hosts = LOCAL_HOSTS | {address.url_host.lower()} if self._may_read is None else None
        app = web.Application(client_max_size=sign_in.MAX_FORM)
        app.router.add_route("*", "/{path:.*}", self._handle)
        self._server = WebServer(app, shutdown_timeout=1.0)
        return await self._server.start(address.host, address.port, tls)

    async def stop(self) -> None:
        """Stop listening, and let go of the store."""
        if self._server is not None:
            await self._server.stop()
        await asyncio.get_running_loop().run_in_executor(None, self._close)

    def _close(self) -> None:
        self._board.close()
        self._threads.shutdown(cancel_futures=True)

    async def _handle(self, http: web.Request) -> web.Response:
        request = Request(
            http.method,
            http.path,
            http.rel_url.raw_query_string,
            http.headers.get("Host", ""),
            http.headers.get("If-None-Match", ""),
        )
        try:
            response = await self._sign_in(http) or await self._respond(request)
        except web.HTTPException:
            raise
        except asyncio.TimeoutError:
            raise web.HTTPRequestTimeout from None
        except Exception:
            _log.exception("a request could not be answered")
            response = failed(request)
        headers = {**HEADERS, **response.headers, "Server": "cycletrace"}
        return web.Response(status=response.status, body=response.body, headers=headers)

    async def _sign_in(self, http: web.Request) -> Response | None:
        """Return the response to somebody who has not signed in, or is about to."""
        if self._may_read is None:
            return None
        if http.method == "POST" and http.content_type == sign_in.FORM:
            body = await asyncio.wait_for(http.read(), sign_in.PATIENCE)
            query = http.rel_url.raw_query_string
            return sign_in.sign_in(body, query, self._may_read, is_secure=http.secure)
        authorization, cookie = http.headers.get("Authorization", ""), http.cookies.get(sign_in.COOKIE, "")
        return sign_in.refusal(http.path, authorization, cookie, self._may_read)

    async def _respond(self, request: Request) -> Response:
        try:
            return respond(request, self._hosts, self._board.recall)
        except NotKeptError:
            in_thread = asyncio.get_running_loop().run_in_executor
            return await in_thread(self._threads, respond, request, self._hosts, self._look)

    def _look(self, selection: Selection) -> Answer:
        answer = self._board.look(selection)
        if self._board.is_aged(selection):
            self._threads.submit(self._board.renew, selection)  # the next look shows it
        return answer


def run(board: Board, address: Address, started: Callable[[Address], None]) -> None:
    """Serve a board until Ctrl-C or SIGTERM; ``started`` is called with the address once it listens.

    Raises:
        ListenError: where it cannot listen there.
    """

    async def serve() -> None:
        server = BoardServer(board)
        try:
            try:
                port = await server.start(address)
            except OSError as error:
                raise ListenError(error.strerror or "it may be in use") from error
            started(address._replace(port=port))
            await asyncio.Event().wait()
        finally:
            await server.stop()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.default_int_handler)
    with suppress(KeyboardInterrupt):
        asyncio.run(serve())
