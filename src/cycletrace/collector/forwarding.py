"""Passing requests on, as they came, to all backends of their signal."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from textwrap import shorten

from cycletrace.collector.answer import ACCEPTED, Answer, together
from cycletrace.collector.backend import Backend, Target
from cycletrace.collector.grpc_backend import GrpcBackend
from cycletrace.collector.http_backend import HttpBackend
from cycletrace.collector.signals import Request, Signal

_log = logging.getLogger("cycletrace.collector")

_LONGEST_LINE = 300
"""Characters of what a backend answered: some answer with a page."""


def connect(target: Target) -> Backend:
    """The backend at this target. Must be called in the event loop that uses it.

    Raises:
        OSError: where its certificate cannot be read.
    """
    return HttpBackend(target) if target.scheme in ("http", "https") else GrpcBackend(target)


class Forwarder:
    """The backends of each signal. Changes of their state are logged, attempts are not."""

    def __init__(self, targets: Mapping[str, Sequence[Target]], *, is_own: bool = False) -> None:
        """Connect to the targets, by name of the signal; ``is_own``: what goes there is made here, so sound."""
        self._is_own = is_own
        self._backends = {name: [connect(target) for target in some] for name, some in targets.items()}
        self._failing: set[tuple[str, str]] = set()

    def backends(self, signal: Signal) -> Sequence[Backend]:
        """Where this signal goes on to."""
        return self._backends.get(signal.name, ())

    async def forward(self, request: Request) -> Answer:
        """Pass a request on to all backends of its signal. Their answers are the answer."""
        backends = self.backends(request.signal)
        if not backends:
            return ACCEPTED
        if len(backends) == 1:
            return await self.send(backends[0], request)
        return together(await asyncio.gather(*(self.send(backend, request) for backend in backends)))

    async def send(self, backend: Backend, request: Request) -> Answer:
        """Pass a request on to one backend."""
        answer = await backend.send(request)
        state = (backend.target.url, request.signal.name)
        is_failing = not answer.is_success and (self._is_own or not answer.blames_request)
        if is_failing and state not in self._failing:
            self._failing.add(state)
            words = shorten(answer.logged or answer.message, _LONGEST_LINE, placeholder=" ...")
            _log.warning("%s cannot go on: %s %s", state[1], state[0], words)
        elif answer.is_success and state in self._failing:
            self._failing.discard(state)
            _log.warning("%s go on to %s again", state[1], state[0])
        return answer

    async def close(self) -> None:
        """Give all connections back."""
        for backends in self._backends.values():
            for backend in backends:
                await backend.close()
