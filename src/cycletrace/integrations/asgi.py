"""FastAPI, Starlette, BentoML and whatever else speaks ASGI: the first prediction that succeeds is the first use.

::

    app.add_middleware(ServedMiddleware, model="churn", version="7")
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, MutableMapping
from fnmatch import fnmatchcase
from typing import Any

from cycletrace import served
from cycletrace.integrations._active import harmless

__all__ = ["PREDICTIONS", "ServedMiddleware"]

PREDICTIONS = ("*/predict", "*/predictions", "*:predict", "*/infer", "*/invocations")
"""Patterns of the paths that serve predictions: of BentoML, TorchServe, TensorFlow Serving, KServe and MLflow."""

Message = MutableMapping[str, Any]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Callable[[], Awaitable[Message]], Send], Awaitable[None]]


class ServedMiddleware:
    """Calls :func:`cycletrace.served` when a request for a prediction was answered with success."""

    def __init__(
        self,
        app: App,
        model: str | None = None,
        version: str | None = None,
        *,
        key: str | None = None,
        mechanism: str | None = None,
        environment: str | None = None,
        paths: Collection[str] = PREDICTIONS,
        is_real: Callable[[Message], bool] = lambda _: True,
    ) -> None:
        """Wrap an application.

        Args:
            app: The ASGI application.
            model: As for :func:`cycletrace.served`; so are ``version``, ``key``, ``mechanism`` and ``environment``.
            version: The version that is served.
            key: The key or an alias of the cycle.
            mechanism: How clients switched to it.
            environment: Where it serves.
            paths: Patterns of the paths that serve predictions.
            is_real: Returns, for the ASGI scope of a request, whether a consumer made it: not a smoke test, say.
        """
        self._app = app
        self._served = (model, version)
        self._details = {"key": key, "mechanism": mechanism, "environment": environment}
        self._paths = tuple(paths)
        self._is_real = is_real

    async def __call__(self, scope: Message, receive: Callable[[], Awaitable[Message]], send: Send) -> None:
        """Serve a request."""
        if scope["type"] != "http" or not any(fnmatchcase(scope["path"], pattern) for pattern in self._paths):
            await self._app(scope, receive, send)
            return

        async def noting(message: Message) -> None:
            await send(message)
            if message["type"] == "http.response.start" and 200 <= message["status"] < 300:
                self._note(scope)

        await self._app(scope, receive, noting)

    @harmless
    def _note(self, scope: Message) -> None:
        if self._is_real(scope):
            served(*self._served, **self._details)
