"""Forwarding of requests, as they came, to all backends of their signal."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence

from cycletrace._internal.collector.backends import Backend, connect
from cycletrace._internal.collector.reply import combine
from cycletrace._internal.otlp.endpoint import Endpoint
from cycletrace._internal.otlp.result import ACCEPTED, ExportResult
from cycletrace._internal.otlp.signals import Request, Signal

_log = logging.getLogger("cycletrace.collector")


class Forwarder:
    """The backends of each signal. Logs when one begins to fail and when it recovers, not each attempt."""

    def __init__(
        self,
        endpoints: Mapping[str, Sequence[Endpoint]],
        *,
        is_own: bool = False,
        sent: Callable[[Signal, ExportResult], object] = lambda *_: None,
    ) -> None:
        """Connect to the endpoints, by name of the signal.

        ``is_own``: the collector makes the requests itself, so that a rejection, too, is a failure of the backend.
        ``sent`` is called with the result of each request.
        """
        self._sent = sent
        self._is_own = is_own
        self._backends = {name: [connect(endpoint) for endpoint in some] for name, some in endpoints.items()}
        self._failing: set[tuple[str, str]] = set()

    def backends(self, signal: Signal) -> Sequence[Backend]:
        """Return the backends of a signal."""
        return self._backends.get(signal.name, ())

    async def forward(self, request: Request) -> ExportResult:
        """Send a request to all backends of its signal, and combine their results."""
        backends = self.backends(request.signal)
        if not backends:
            return ACCEPTED
        if len(backends) == 1:
            return await self.send(backends[0], request)
        return combine(await asyncio.gather(*(self.send(backend, request) for backend in backends)))

    async def send(self, backend: Backend, request: Request) -> ExportResult:
        """Send a request to one backend."""
        result = await backend.send(request)
        self._sent(request.signal, result)
        url, signal = state = (backend.endpoint.url, request.signal.name)
        is_failing = not result.is_success and (self._is_own or not result.blames_request)
        if is_failing and state not in self._failing:
            self._failing.add(state)
            _log.warning("%s cannot be forwarded: %s %s", signal, url, result.summary)
        elif result.is_success and state in self._failing:
            self._failing.discard(state)
            _log.warning("%s are forwarded to %s again", signal, url)
        return result

    async def close(self) -> None:
        """Close all connections."""
        for backends in self._backends.values():
            for backend in backends:
                await backend.close()
