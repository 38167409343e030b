"""What forwards requests to an endpoint, whatever protocol it speaks."""

from __future__ import annotations

from typing import Protocol

from cycletrace._internal.otlp.endpoint import Endpoint
from cycletrace._internal.otlp.result import ExportResult
from cycletrace._internal.otlp.signals import Request


class Backend(Protocol):
    """Something that takes requests as they came and returns what became of them."""

    @property
    def endpoint(self) -> Endpoint:
        """Where it is."""
        ...

    async def send(self, request: Request) -> ExportResult:
        """Pass a request on. Never raises: what goes wrong is a result."""
        ...

    async def close(self) -> None:
        """Give its connections back."""
        ...
