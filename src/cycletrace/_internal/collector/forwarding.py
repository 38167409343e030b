"""Passing requests on, as they came, to all backends of their signal."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence

from cycletrace._internal.collector.backend import Backend
from cycletrace._internal.collector.grpc_backend import GrpcBackend
from cycletrace._internal.collector.http_backend import HttpBackend
from cycletrace._internal.collector.reply import together
from cycletrace._internal.otlp.endpoint import Endpoint
from cycletrace._internal.otlp.result import ACCEPTED, ExportResult
from cycletrace._internal.otlp.signals import Request, Signal

_log = logging.getLogger("cycletrace.collector")


def connect(endpoint: Endpoint) -> Backend:
    """Connect to the backend at this endpoint. Must be called in the event loop that uses it.

    Raises:
        OSError: where its certificate cannot be read.
    """
    return GrpcBackend(endpoint) if endpoint.is_grpc else HttpBackend(endpoint)


class Forwarder:
    """The backends of each signal. Changes of their state are logged, attempts are not."""

    def __init__(self, endpoints: Mapping[str, Sequence[Endpoint]], *, is_own: bool = False) -> None:
        """Connect to the endpoints, by name of the signal; ``is_own``: what goes there is made here, so sound."""
        self._is_own = is_own
        self._backends = {name: [connect(endpoint) for endpoint in some] for name, some in endpoints.items()}
        self._failing: set[tuple[str, str]] = set()

    def backends(self, signal: Signal) -> Sequence[Backend]:
        """Where this signal goes on to."""
        return self._backends.get(signal.name, ())

    async def forward(self, request: Request) -> ExportResult:
        """Pass a request on to all backends of its signal. Their results are the result."""
        backends = self.backends(request.signal)
        if not backends:
            return ACCEPTED
        if len(backends) == 1:
            return await self.send(backends[0], request)
        return together(await asyncio.gather(*(self.send(backend, request) for backend in backends)))

    async def send(self, backend: Backend, request: Request) -> ExportResult:
        """Pass a request on to one backend."""
        result = await backend.send(request)
        state = (backend.endpoint.url, request.signal.name)
        is_failing = not result.is_success and (self._is_own or not result.blames_request)
        if is_failing and state not in self._failing:
            self._failing.add(state)
            _log.warning("%s cannot go on: %s %s", state[1], state[0], result.summary)
        elif result.is_success and state in self._failing:
            self._failing.discard(state)
            _log.warning("%s go on to %s again", state[1], state[0])
        return result

    async def close(self) -> None:
        """Give all connections back."""
        for backends in self._backends.values():
            for backend in backends:
                await backend.close()
