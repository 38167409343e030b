"""A backend that speaks OTLP over gRPC."""

from __future__ import annotations

from functools import partial
from typing import Any

import grpc

from cycletrace._internal.collector.aside import Aside
from cycletrace._internal.collector.json_request import Converted, to_protobuf
from cycletrace._internal.otlp.classify import classify_grpc, classify_success
from cycletrace._internal.otlp.endpoint import Endpoint, TlsFiles
from cycletrace._internal.otlp.result import ExportResult, malformed
from cycletrace._internal.otlp.signals import SIGNALS, Encoding, Request


def _credentials(tls: TlsFiles) -> Any:
    tls.context()  # gRPC takes any bytes, and would fail at each request
    return grpc.ssl_channel_credentials(*tls.read())


class GrpcBackend:
    """Sends over one channel that is kept. To be made and used in one event loop."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        options = [
            ("grpc.max_send_message_length", -1),  # what was received may go on
            ("grpc.max_reconnect_backoff_ms", 5000),
        ]
        if endpoint.is_secure:
            self._channel: Any = grpc.aio.secure_channel(endpoint.address, _credentials(endpoint.tls), options)
        else:
            self._channel = grpc.aio.insecure_channel(endpoint.address, options)
        self._aside = Aside()
        self._metadata = tuple((name.lower(), value) for name, value in endpoint.headers.items())
        self._export = {signal.name: self._channel.unary_unary(signal.method) for signal in SIGNALS}

    async def send(self, request: Request) -> ExportResult:
        """Pass a request on. gRPC knows no JSON: what came as JSON is converted."""
        converted = Converted(request.body, 0, "")
        if request.encoding is Encoding.JSON:
            try:
                converted = await self._aside.run(len(request.body), partial(to_protobuf, request.signal, request.body))
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
        if not converted.left_out:
            return result
        message = f"{converted.left_out} cannot be converted from JSON: {converted.reason}"
        return result._replace(
            message="; ".join(filter(None, (message, result.message))), rejected=result.rejected + converted.left_out
        )

    async def close(self) -> None:
        """Give the connection back."""
        self._aside.close()
        await self._channel.close(0)
