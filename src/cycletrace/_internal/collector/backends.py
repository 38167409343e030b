"""Backends: asynchronous clients that send requests to an endpoint as they came, over HTTP or gRPC."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any

import aiohttp
import grpc

from cycletrace._internal.collector.compression import GZIP
from cycletrace._internal.collector.json_request import Converted, to_protobuf
from cycletrace._internal.collector.offload import Offload
from cycletrace._internal.otlp.classify import MAX_ANSWER, classify_grpc, classify_http, classify_success
from cycletrace._internal.otlp.endpoint import Endpoint, TlsFiles
from cycletrace._internal.otlp.result import ExportResult, malformed, unavailable
from cycletrace._internal.otlp.signals import SIGNALS, Encoding, Request
from cycletrace._internal.otlp.urls import reason


class HttpBackend:
    """Sends over HTTP connections that are kept alive. To be made and used in one event loop."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(ssl=endpoint.tls.context() if endpoint.is_secure else True, limit=64),
            timeout=aiohttp.ClientTimeout(total=endpoint.timeout),
            cookie_jar=aiohttp.DummyCookieJar(),
            headers=dict(endpoint.headers),
        )

    async def send(self, request: Request) -> ExportResult:
        """Send a request in its own encoding, compressed if it came compressed. Never raises."""
        try:
            try:
                return await self._post(request)
            except (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError) as error:
                # The backend may have closed a kept connection in the meantime; a refused one stays refused.
                if isinstance(error, aiohttp.ClientConnectorError):
                    raise
                return await self._post(request)
        except asyncio.TimeoutError:
            return unavailable(
                "a backend did not respond in time", logged=f"did not respond within {self.endpoint.timeout:g} s"
            )
        except (aiohttp.ClientError, OSError, ValueError) as error:
            return unavailable("a backend cannot be reached", logged=f"cannot be reached: {reason(error)}")

    async def close(self) -> None:
        """Close the connections."""
        await self._session.close()

    async def _post(self, request: Request) -> ExportResult:
        headers = {"Content-Type": request.encoding.value}
        body = request.body
        if request.packed is not None:
            headers["Content-Encoding"] = GZIP
            body = request.packed
        url = self.endpoint.request_url(request.signal)
        async with self._session.post(url, data=body, headers=headers, allow_redirects=False) as response:
            content = await _read(response.content)
            return classify_http(request.signal, response.status, response.headers, content, response.reason or "")


async def _read(content: aiohttp.StreamReader) -> bytes:
    pieces = []
    size = 0
    async for piece in content.iter_any():
        pieces.append(piece)
        size += len(piece)
        if size > MAX_ANSWER:
            break
    return b"".join(pieces)


class GrpcBackend:
    """Sends over one gRPC channel that is kept open. To be made and used in one event loop."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        options = [
            ("grpc.max_send_message_length", -1),  # the receivers have bounded it already
            ("grpc.max_reconnect_backoff_ms", 5000),
        ]
        if endpoint.is_secure:
            self._channel: Any = grpc.aio.secure_channel(endpoint.address, _credentials(endpoint.tls), options)
        else:
            self._channel = grpc.aio.insecure_channel(endpoint.address, options)
        self._offload = Offload()
        self._metadata = tuple((name.lower(), value) for name, value in endpoint.headers.items())
        self._export = {signal.name: self._channel.unary_unary(signal.method) for signal in SIGNALS}

    async def send(self, request: Request) -> ExportResult:
        """Send a request, converted to protobuf if it came as JSON, which gRPC does not know. Never raises."""
        converted = Converted(request.body, 0, "")
        if request.encoding is Encoding.JSON:
            convert = partial(to_protobuf, request.signal, request.body)
            try:
                converted = await self._offload.run(len(request.body), convert)
            except ValueError as error:
                return malformed(str(error))
        try:
            response = await self._export[request.signal.name](
                converted.body, timeout=self.endpoint.timeout, metadata=self._metadata
            )
        except grpc.aio.AioRpcError as error:
            code, name = error.code().value[0], error.code().name
            return classify_grpc(code, name, error.details() or "", error.trailing_metadata() or ())
        result = classify_success(request.signal, response)
        if not converted.omitted:
            return result
        message = f"{converted.omitted} cannot be converted from JSON: {converted.reason}"
        return result._replace(
            message="; ".join(filter(None, (message, result.message))), rejected=result.rejected + converted.omitted
        )

    async def close(self) -> None:
        """Close the channel."""
        self._offload.close()
        await self._channel.close(0)


def _credentials(tls: TlsFiles) -> Any:
    tls.context()  # checks them: gRPC accepts any bytes, and would fail at each request
    return grpc.ssl_channel_credentials(*tls.read())


Backend = HttpBackend | GrpcBackend


def connect(endpoint: Endpoint) -> Backend:
    """Return a client for this endpoint. Must be called in the event loop that uses it.

    Raises:
        OSError: where its certificate cannot be read.
    """
    return GrpcBackend(endpoint) if endpoint.is_grpc else HttpBackend(endpoint)
