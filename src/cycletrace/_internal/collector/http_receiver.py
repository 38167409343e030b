"""The receiver of OTLP over HTTP, in protobuf and JSON, with ``/healthz`` and ``/readyz``."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from ssl import SSLContext

from aiohttp import web
from aiohttp.typedefs import Handler

from cycletrace._internal.collector.compression import CODINGS, GZIP, TooLargeError, decompress
from cycletrace._internal.collector.door import Admit
from cycletrace._internal.collector.limits import Budget, Limits, Loan, NoRoomError
from cycletrace._internal.collector.reply import http_failure, http_headers, http_status, to_bytes
from cycletrace._internal.otlp.result import ExportResult, malformed, unavailable
from cycletrace._internal.otlp.signals import SIGNALS, TRACES, Encoding, Request, Signal, encoding_of
from cycletrace._internal.peers import network_of
from cycletrace._internal.web_server import WebServer


class HttpReceiver:
    """An OTLP/HTTP server for all three signals, with ``/healthz`` and ``/readyz``.

    ``trouble`` returns why the collector cannot accept requests now, ``None`` if it can; ``responded`` is called with
    each result.
    """

    def __init__(
        self,
        admit: Admit,
        limits: Limits,
        budget: Budget,
        trouble: Callable[[], str | None],
        responded: Callable[[Signal, ExportResult], object] = lambda *_: None,
    ) -> None:
        self._admit = admit
        self._responded = responded
        self._limits = limits
        self._budget = budget
        self._trouble = trouble
        self._server: WebServer | None = None

    async def start(self, host: str, port: int, tls: SSLContext | None = None) -> int:
        """Listen (port 0: any), over TLS with a context, and return the port.

        Raises:
            OSError: where it cannot listen there.
        """
        app = web.Application(middlewares=[_errors_as_otlp])
        for signal in SIGNALS:
            app.router.add_post(signal.path, partial(self._export, signal))
        app.router.add_get("/healthz", _alive)
        app.router.add_get("/readyz", self._ready)
        # We decompress ourselves, because aiohttp does not bound the result.
        self._server = WebServer(app, auto_decompress=False, shutdown_timeout=self._limits.grace)
        return await self._server.start(host, port, tls)

    async def stop(self) -> None:
        """Stop listening, and give requests in progress the grace of the limits."""
        if self._server is not None:
            await self._server.stop()

    async def _ready(self, _: web.Request) -> web.Response:
        trouble = self._trouble()
        return web.Response(text="ready\n") if trouble is None else web.Response(status=503, text=f"{trouble}\n")

    async def _export(self, signal: Signal, http: web.Request) -> web.Response:
        encoding = encoding_of(http.content_type)
        if encoding is None:
            what = f"the content type {http.content_type!r} is not supported"
            result = http_failure(415, f"{what}: send application/x-protobuf or application/json")
        else:
            result = await self._receive(signal, encoding, http)
        self._responded(signal, result)
        return _respond(result, signal, encoding or Encoding.JSON)

    async def _receive(self, signal: Signal, encoding: Encoding, http: web.Request) -> ExportResult:
        handle = self._admit(http.headers.get("Authorization", ""))
        if isinstance(handle, ExportResult):
            return handle
        coding = http.headers.get("Content-Encoding", "").strip().lower()
        if coding not in ("", "identity", *CODINGS):
            return http_failure(415, f"the content encoding {coding!r} is not supported: send {' or '.join(CODINGS)}")
        limit = self._limits.body
        declared = http.content_length
        if declared is not None and declared > limit:
            return http_failure(413, f"the content is larger than {limit} bytes")
        try:
            loan = await self._budget.borrow(self._limits.overhead, network_of(http.remote or ""))
        except NoRoomError as error:
            return unavailable(str(error), retry_after=1.0)
        try:
            data = await loan.receive(self._read(http, loan))
            request = _unpack(signal, encoding, data, coding, limit)
            loan.resize(self._limits.overhead + len(request.body) + len(request.packed or b""))
            return await handle(request)
        except NoRoomError as error:
            return unavailable(str(error), retry_after=1.0)
        except TooLargeError as error:
            return http_failure(413, str(error))
        except ValueError as error:
            return malformed(str(error))
        finally:
            loan.resize(0)

    async def _read(self, http: web.Request, loan: Loan) -> bytes:
        """Read a body. What is announced takes no room, what has arrived does."""
        pieces = []
        size = 0
        async for piece in http.content.iter_any():
            size += len(piece)
            if size > self._limits.body:
                raise TooLargeError(f"the content is larger than {self._limits.body} bytes")
            loan.resize(self._limits.overhead + size)
            pieces.append(piece)
        return b"".join(pieces)


async def _alive(_: web.Request) -> web.Response:
    return web.Response(text="ok\n")


def _unpack(signal: Signal, encoding: Encoding, data: bytes, coding: str, limit: int) -> Request:
    if coding not in CODINGS:
        return Request(signal, encoding, data)
    return Request(signal, encoding, decompress(data, coding, limit), data if coding == GZIP else None)


def _respond(result: ExportResult, signal: Signal, encoding: Encoding) -> web.Response:
    body = to_bytes(result, signal, encoding)
    headers = http_headers(result)
    return web.Response(status=http_status(result), body=body, content_type=encoding.value, headers=headers)


@web.middleware
async def _errors_as_otlp(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Respond to errors of the server itself (no such path, not POST) as OTLP requires."""
    try:
        return await handler(request)
    except web.HTTPException as error:
        encoding = encoding_of(request.content_type) or Encoding.JSON
        failure = http_failure(error.status, f"{request.method} {request.path}: {error.reason}")
        response = _respond(failure, TRACES, encoding)  # a failure looks the same for all signals
        if "Allow" in error.headers:
            response.headers["Allow"] = error.headers["Allow"]
        return response
