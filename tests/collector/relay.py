"""The receivers and the forwarder of the collector in a thread of the test, and clients to talk to them."""

from __future__ import annotations

import asyncio
import http.client
import threading
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any

import grpc
from tests.collector.sinks import SERVICES

from cycletrace._internal.collector.forwarding import Forwarder
from cycletrace._internal.collector.grpc_receiver import GrpcReceiver
from cycletrace._internal.collector.http_receiver import HttpReceiver
from cycletrace._internal.collector.limits import Budget, Limits
from cycletrace._internal.otlp.endpoint import Endpoint
from cycletrace._internal.otlp.result import ExportResult
from cycletrace._internal.otlp.signals import Request


class Relay:
    """Both receivers, in front of a handler or of the backends at these targets."""

    def __init__(
        self,
        handle: Callable[[Request], Awaitable[ExportResult]] | None = None,
        targets: Mapping[str, Sequence[Endpoint]] | None = None,
        limits: Limits = Limits(),  # noqa: B008 - immutable
    ) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        self.budget = Budget(limits)
        self.trouble: str | None = None

        async def start() -> None:
            self._forwarder = Forwarder(targets or {})
            admit = lambda _: handle or self._forwarder.forward
            self._grpc = GrpcReceiver(admit, limits, self.budget)
            self._http = HttpReceiver(admit, limits, self.budget, lambda: self.trouble)
            self.grpc_port = await self._grpc.start("127.0.0.1:0")
            self.http_port = await self._http.start("127.0.0.1", 0)

        self._run(start())
        self.channel = grpc.insecure_channel(
            f"127.0.0.1:{self.grpc_port}", options=[("grpc.max_send_message_length", -1)]
        )

    def _run(self, coroutine: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(30)

    def call(self, signal: str, body: bytes, **options: Any) -> bytes:
        """Export over gRPC; raises ``grpc.RpcError``."""
        answer: bytes = self.channel.unary_unary(f"/{SERVICES[signal]}/Export")(body, timeout=20, **options)
        return answer

    def post(
        self, path: str, body: bytes | Iterable[bytes], headers: Mapping[str, str], method: str = "POST"
    ) -> tuple[int, dict[str, str], bytes]:
        """Export over HTTP: status, headers, body."""
        connection = http.client.HTTPConnection("127.0.0.1", self.http_port, timeout=20)
        try:
            connection.request(method, path, body, dict(headers))
            response = connection.getresponse()
            return response.status, {name.lower(): value for name, value in response.getheaders()}, response.read()
        finally:
            connection.close()

    def close(self) -> None:
        self.channel.close()

        async def stop() -> None:
            await asyncio.gather(self._grpc.stop(), self._http.stop())
            await self._forwarder.close()

        self._run(stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
