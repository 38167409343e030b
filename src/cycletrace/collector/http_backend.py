"""A backend that speaks OTLP over HTTP."""

from __future__ import annotations

import asyncio
import time
from email.utils import parsedate_to_datetime

import aiohttp

from cycletrace.collector.answer import Answer, of_http_failure, of_status_text, of_success, unavailable
from cycletrace.collector.backend import Target, endpoint
from cycletrace.collector.compression import GZIP
from cycletrace.collector.signals import Encoding, Request
from cycletrace.urls import reason

_MAX_ANSWER = 64 * 1024
"""Bytes of an answer that are read."""


class HttpBackend:
    """Sends over connections that are kept. To be made and used in one event loop."""

    def __init__(self, target: Target) -> None:
        self.target = target
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(ssl=target.tls.context() if target.scheme == "https" else True, limit=64),
            timeout=aiohttp.ClientTimeout(total=target.timeout),
            cookie_jar=aiohttp.DummyCookieJar(),
            headers=dict(target.headers),
        )

    async def send(self, request: Request) -> Answer:
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
                "a backend did not answer in time", logged=f"did not answer within {self.target.timeout:g} s"
            )
        except (aiohttp.ClientError, OSError, ValueError) as error:
            return unavailable("a backend cannot be reached", logged=f"cannot be reached: {reason(error)}")

    async def close(self) -> None:
        """Give the connections back."""
        await self._session.close()

    async def _post(self, request: Request) -> Answer:
        headers = {"Content-Type": request.encoding.value}
        body = request.body
        if request.packed is not None:
            headers["Content-Encoding"] = GZIP
            body = request.packed
        url = endpoint(self.target.url, request.signal.path)
        if self.target.query:
            url = f"{url}?{self.target.query}"
        async with self._session.post(url, data=body, headers=headers, allow_redirects=False) as response:
            answer = await _read(response.content)
            encoding = _ENCODINGS.get(response.content_type)
            if 200 <= response.status < 300:
                return of_success(answer, request.signal, encoding) if encoding is not None else Answer()
            retry_after = _seconds(response.headers.get("Retry-After"))
            words, told, details = of_status_text(answer, encoding)
            words = words or response.reason or "no reason given"
            return of_http_failure(response.status, words, told if retry_after is None else retry_after, details)


_ENCODINGS = {
    "application/x-protobuf": Encoding.PROTOBUF,
    "application/protobuf": Encoding.PROTOBUF,
    "application/json": Encoding.JSON,
}


async def _read(content: aiohttp.StreamReader) -> bytes:
    pieces = []
    size = 0
    async for piece in content.iter_any():
        pieces.append(piece)
        size += len(piece)
        if size > _MAX_ANSWER:
            break
    return b"".join(pieces)


def _seconds(retry_after: str | None) -> float | None:
    """Seconds of a ``Retry-After`` header, which holds seconds or a date; ``None`` where it is absent or broken."""
    if retry_after is None:
        return None
    if retry_after.strip().isascii() and retry_after.strip().isdigit():
        return float(retry_after[:9])
    try:
        return max(parsedate_to_datetime(retry_after).timestamp() - time.time(), 0.0)
    except (ValueError, TypeError, OverflowError):
        return None
