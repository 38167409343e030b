"""Waits: periods in which a stage, or the whole cycle, is blocked."""

from __future__ import annotations

from cycletrace import conventions as c
from cycletrace._internal.api import checks, shapes
from cycletrace._internal.loading import ready

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType
    from typing import Any, TypeVar

    from cycletrace._internal.sdk.current import Context
    from cycletrace._internal.sdk.cycles import CycleRef
    from cycletrace._internal.sdk.runs import Run
    from cycletrace._internal.sdk.waits import OpenWait

    F = TypeVar("F", bound=Callable[..., Any])


class Waiting:
    """A wait, as :func:`waiting` returns it. Each entry records a separate wait."""

    __slots__ = ("_by", "_cycle", "_opened", "_problems", "_reason", "_run")

    def __init__(
        self, reason: str, *, by: str | None = None, cycle: CycleRef | None = None, run: Run | None = None
    ) -> None:
        problems: list[Exception] = []
        self._reason: str | None = reason
        self._by = by
        if by is not None or type(reason) is not str or reason not in c.REASONS:
            self._reason = checks.kept(problems, reason, None, lambda: checks.one_of("reason", reason, c.REASONS))
            self._by = checks.kept(problems, by, None, lambda: checks.actor(by))
        self._problems = problems
        """What is wrong with the arguments: it was logged, and raises where a function is decorated."""
        self._cycle = cycle
        self._run = run
        self._opened: list[tuple[Context, OpenWait]] = []

    def __enter__(self) -> None:
        if self._reason is None or not ready():
            return
        from cycletrace._internal.sdk.current import CURRENT
        from cycletrace._internal.sdk.waits import open_wait

        wait = open_wait(self._reason, self._by, self._cycle, self._run)
        if wait is not None:
            self._opened.append((CURRENT.get(), wait))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not self._opened:
            return
        from cycletrace._internal.sdk.current import CURRENT

        here = CURRENT.get()
        # The wait that the calling code itself entered, else the latest.
        index = next((index for index in reversed(range(len(self._opened))) if self._opened[index][0] is here), -1)
        self._opened.pop(index)[1].end()

    async def __aenter__(self) -> None:
        self.__enter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.__exit__(kind, error, trace)

    def __call__(self, function: F) -> F:
        """Decorate a function or coroutine function: each call is a wait.

        Raises:
            TypeError: if it is anything else.
            ValueError: if the reason or ``by`` is unknown.
        """
        if self._problems:
            raise self._problems[0]
        return shapes.around(function, self._fresh, "waiting")

    def _fresh(self) -> Waiting:
        return Waiting(self._reason or "", by=self._by, cycle=self._cycle, run=self._run)


def waiting(reason: str, *, by: str | None = None) -> Waiting:
    """Record a wait for a block of code, or for each call of a function.

    ``with waiting("compute"):``, ``async with`` or ``@waiting("compute")``.

    Inside a stage the wait belongs to the stage, otherwise to the cycle.

    Args:
        reason: ``human``, ``data``, ``compute``, ``schedule`` or ``external``. Any other is logged; the block of code
            runs, and no wait is recorded.
        by: Whom it is waiting for: ``"automation"``, ``"person"`` or ``"person:NAME"``; else logged and ignored.
    """
    return Waiting(reason, by=by)
