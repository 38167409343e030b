"""The receiver of OTLP over gRPC. Messages stay bytes."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import grpc

from cycletrace._internal.collector.compression import GZIP, TooLargeError, coding_of, decompress
from cycletrace._internal.collector.door import Admit, Handle
from cycletrace._internal.collector.grpc_connections import keep_sharing
from cycletrace._internal.collector.limits import Budget, Limits, Loan, NoRoomError
from cycletrace._internal.collector.reply import status_message, to_bytes
from cycletrace._internal.otlp.classify import DETAILS
from cycletrace._internal.otlp.result import Code, ExportResult, malformed, unavailable
from cycletrace._internal.otlp.signals import SIGNALS, Encoding, Request, Signal
from cycletrace._internal.peers import address_of, network_of
from cycletrace._internal.web_server import IDLE, most_connections

_STREAMS = 100
"""Requests in progress on one connection at most: many more that are reset at once would hold up others."""
_STATUS = {code.value[0]: code for code in grpc.StatusCode}


class GrpcReceiver:
    """An OTLP/gRPC server for all three signals. ``responded`` is called with each result."""

    def __init__(
        self,
        admit: Admit,
        limits: Limits,
        budget: Budget,
        responded: Callable[[Signal, ExportResult], object] = lambda *_: None,
    ) -> None:
        self._admit = admit
        self._responded = responded
        self._limits = limits
        self._budget = budget
        self._server: Any = None
        self._sharing: asyncio.Task[None] | None = None

    async def start(self, address: str, credentials: Any = None) -> int:
        """Listen on ``host:port`` (port 0: any), over TLS with these credentials, and return the port.

        Raises:
            OSError: where it cannot listen there.
        """
        self._server = grpc.aio.server(
            options=[
                ("grpc.so_reuseport", 0),  # otherwise a second collector would silently share the port
                ("grpc.max_receive_message_length", self._limits.body),
                ("grpc.per_message_decompression", 0),  # gRPC does not bound the result: see _unpack
                ("grpc.max_concurrent_streams", _STREAMS),
                ("grpc.max_allowed_incoming_connections", most_connections()),
                ("grpc.server_handshake_timeout_ms", round(self._limits.patience * 1000)),
                ("grpc.max_connection_idle_ms", round(IDLE * 1000)),
            ]
        )
        for signal in SIGNALS:
            self._server.add_generic_rpc_handlers((_service(signal, self._call),))
        try:
            port: int = (
                self._server.add_insecure_port(address)
                if credentials is None
                else self._server.add_secure_port(address, credentials)
            )
        except RuntimeError as error:
            raise OSError(f"cannot listen on {address} for OTLP/gRPC") from error
        await self._server.start()
        self._sharing = asyncio.create_task(keep_sharing(port))
        return port

    async def stop(self) -> None:
        """Stop listening, and give requests in progress the grace of the limits."""
        if self._sharing is not None:
            self._sharing.cancel()
        if self._server is not None:
            await self._server.stop(self._limits.grace)

    async def _call(self, signal: Signal, messages: Any, context: Any) -> bytes:
        del messages  # the message is read from the context, once there is room for it
        result = await self._receive(signal, context)
        self._responded(signal, result)
        return await _respond(result, signal, context)

    async def _receive(self, signal: Signal, context: Any) -> ExportResult:
        handle = self._admit(_authorization(context))
        if isinstance(handle, ExportResult):
            return handle
        try:
            peer = context.peer()
            address = network_of(address_of(peer))
            loan = await self._budget.borrow(self._limits.body + self._limits.overhead, address, peer)
        except NoRoomError as error:
            return unavailable(str(error), retry_after=1.0)
        return await loan.hold(partial(self._handle, signal, context, handle, loan))

    async def _handle(self, signal: Signal, context: Any, handle: Handle, loan: Loan) -> ExportResult:
        try:
            body = await loan.receive(_read(context))
        except NoRoomError as error:
            return unavailable(str(error), retry_after=1.0)
        if not isinstance(body, bytes):  # the end of the stream
            return malformed("the request has no message")
        request = _unpack(signal, body, self._limits.body)
        if isinstance(request, ExportResult):
            return request
        held = self._limits.overhead + len(request.body) + len(request.packed or b"")
        loan.resize(min(held, self._limits.overhead + self._limits.body))
        return await handle(request)


def _authorization(context: Any) -> str:
    metadata = context.invocation_metadata() or ()
    return next((value for name, value in metadata if name == "authorization"), "")


async def _read(context: Any) -> Any:
    return await context.read()


def _unpack(signal: Signal, body: bytes, limit: int) -> Request | ExportResult:
    """Return the decompressed request, or the result if that fails."""
    coding = coding_of(body)
    if coding is None:
        return Request(signal, Encoding.PROTOBUF, body)
    try:
        plain = decompress(body, coding, limit)
    except TooLargeError as error:
        return ExportResult(Code.RESOURCE_EXHAUSTED, str(error))
    except ValueError as error:
        return malformed(str(error))
    return Request(signal, Encoding.PROTOBUF, plain, body if coding == GZIP else None)


async def _respond(result: ExportResult, signal: Signal, context: Any) -> bytes:
    if not result.is_success:
        if result.details or result.retry_after is not None:
            context.set_trailing_metadata(((DETAILS, status_message(result).SerializeToString()),))
        await context.abort(_STATUS.get(result.code, grpc.StatusCode.UNKNOWN), result.message)
    return to_bytes(result, signal, Encoding.PROTOBUF)


def _service(signal: Signal, call: Callable[[Signal, Any, Any], Awaitable[bytes]]) -> Any:
    # On the wire a stream of one message is a unary call, but the handler of a stream decides when the message is read,
    # so that requests wait outside until there is memory for them.
    async def export(messages: Any, context: Any) -> bytes:
        return await call(signal, messages, context)

    method = grpc.stream_unary_rpc_method_handler(export)
    return grpc.method_handlers_generic_handler(signal.service, {"Export": method})
