"""A backend that speaks OTLP over HTTP."""

from __future__ import annotations

import asyncio

import aiohttp

from cycletrace._internal.collector.compression import GZIP
from cycletrace._internal.otlp.classify import MAX_ANSWER, classify_http
from cycletrace._internal.otlp.endpoint import Endpoint
from cycletrace._internal.otlp.result import ExportResult, unavailable
from cycletrace._internal.otlp.signals import Request
from cycletrace._internal.otlp.urls import reason


class HttpBackend:
    """Sends over connections that are kept. To be made and used in one event loop."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(ssl=endpoint.tls.context() if endpoint.is_secure else True, limit=64),
            timeout=aiohttp.ClientTimeout(total=endpoint.timeout),
            cookie_jar=aiohttp.DummyCookieJar(),
            headers=dict(endpoint.headers),
        )

    async def send(self, request: Request) -> ExportResult:
        """Pass a request on in its own encoding, and compressed where it came so."""
        try:
            try:
                return await self._post(request)
            except (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError) as error:
                # The other side may have closed a kept connection in the meantime; what was refused stays refused.
                if isinstance(error, aiohttp.ClientConnectorError):
                    raise
                return await self._post(request)
        except asyncio.TimeoutError:
            return unavailable(
                "a backend did not answer in time", logged=f"did not answer within {self.endpoint.timeout:g} s"
            )
        except (aiohttp.ClientError, OSError, ValueError) as error:
            return unavailable("a backend cannot be reached", logged=f"cannot be reached: {reason(error)}")

    async def close(self) -> None:
        """Give the connections back."""
        await self._session.close()

    async def _post(self, request: Request) -> ExportResult:
        headers = {"Content-Type": request.encoding.value}
        body = request.body
        if request.packed is not None:
            headers["Content-Encoding"] = GZIP
            body = request.packed
        url = self.endpoint.request_url(request.signal)
        async with self._session.post(url, data=body, headers=headers, allow_redirects=False) as response:
            answer = await _read(response.content)
            return classify_http(request.signal, response.status, response.headers, answer, response.reason or "")


async def _read(content: aiohttp.StreamReader) -> bytes:
    pieces = []
    size = 0
    async for piece in content.iter_any():
        pieces.append(piece)
        size += len(piece)
        if size > MAX_ANSWER:
            break
    return b"".join(pieces)
