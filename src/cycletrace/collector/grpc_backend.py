"""A backend that speaks OTLP over gRPC."""

from __future__ import annotations

from functools import partial
from typing import Any

import grpc

from cycletrace.collector.answer import Answer, malformed, of_failure, of_status, of_success
from cycletrace.collector.aside import Aside
from cycletrace.collector.backend import Target, Tls
from cycletrace.collector.grpc_receiver import DETAILS
from cycletrace.collector.json_request import Converted, to_protobuf
from cycletrace.collector.signals import SIGNALS, Encoding, Request


def _credentials(tls: Tls) -> Any:
    tls.context()  # gRPC takes any bytes, and would fail at each request
    trusted, own, key = (None if path is None else path.read_bytes() for path in tls)
    return grpc.ssl_channel_credentials(trusted, key or own, own)


class GrpcBackend:
    """Sends over one channel that is kept. To be made and used in one event loop."""

    def __init__(self, target: Target) -> None:
        self.target = target
        address = f"{target.host}:{target.port}" if ":" not in target.host else f"[{target.host}]:{target.port}"
        options = [
            ("grpc.max_send_message_length", -1),  # what was received may go on
            ("grpc.max_reconnect_backoff_ms", 5000),
        ]
        if target.scheme == "grpcs":
            self._channel: Any = grpc.aio.secure_channel(address, _credentials(target.tls), options)
        else:
            self._channel = grpc.aio.insecure_channel(address, options)
        self._aside = Aside()
        self._metadata = tuple((name.lower(), value) for name, value in target.headers.items())
        self._export = {signal.name: self._channel.unary_unary(signal.method) for signal in SIGNALS}

    async def send(self, request: Request) -> Answer:
        """Pass a request on. gRPC knows no JSON: what came as JSON is converted."""
        converted = Converted(request.body, 0, "")
        if request.encoding is Encoding.JSON:
            try:
                converted = await self._aside.run(len(request.body), partial(to_protobuf, request.signal, request.body))
            except ValueError as error:
                return malformed(str(error))
        try:
            response = await self._export[request.signal.name](
                converted.body, timeout=self.target.timeout, metadata=self._metadata
            )
        except grpc.aio.AioRpcError as error:
            return self._failure(error)
        answer = of_success(response, request.signal, Encoding.PROTOBUF)
        if not converted.left_out:
            return answer
        message = f"{converted.left_out} cannot be converted from JSON: {converted.reason}"
        return answer._replace(
            message="; ".join(filter(None, (message, answer.message))), rejected=answer.rejected + converted.left_out
        )

    async def close(self) -> None:
        """Give the connection back."""
        self._aside.close()
        await self._channel.close(0)

    def _failure(self, error: Any) -> Answer:
        retry_after = None
        details: tuple[bytes, ...] = ()
        for name, value in error.trailing_metadata() or ():
            if name == DETAILS:
                try:
                    _, retry_after, details = of_status(value)
                except ValueError:
                    continue
        answer = Answer(error.code().value[0], retry_after=retry_after, details=details)
        return of_failure(answer, error.code().name, error.details())
