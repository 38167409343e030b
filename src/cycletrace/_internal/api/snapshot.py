"""Continuing work elsewhere: in another thread, an executor, or another process."""

from __future__ import annotations

from cycletrace._internal.api import checks
from cycletrace._internal.loading import ready

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType

    from cycletrace._internal.sdk.blocks import Block


class Snapshot:
    """A cycle and a stage. Picklable; created by :func:`snapshot` and restored by :func:`attach`."""

    __slots__ = ("cycle", "stage")

    def __init__(self, cycle: str | None, stage: str | None) -> None:
        self.cycle = cycle
        """The cycle, in the format of ``CYCLETRACE_CYCLE``; ``None`` if there was none."""
        self.stage = stage
        """The id of the stage, 16 lower-case hex digits; ``None`` outside any."""

    def __repr__(self) -> str:
        return f"<snapshot of stage {self.stage} in cycle {self.cycle}>"


class Attached:
    """A block of code in which a snapshot is restored, as :func:`attach` returns it."""

    __slots__ = ("_entered", "_token")

    def __init__(self, token: Snapshot) -> None:
        self._token = token
        self._entered: list[Block] = []

    def __enter__(self) -> None:
        if self._token.cycle is not None and ready():
            from cycletrace._internal.sdk import blocks

            block = blocks.attach(self._token.cycle, self._token.stage)
            if block is not None:
                self._entered.append(block)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._entered:
            from cycletrace._internal.sdk import blocks

            block = blocks.innermost(self._entered)
            if block is not None:
                blocks.detach(block)

    async def __aenter__(self) -> None:
        self.__enter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.__exit__(kind, error, trace)


def snapshot() -> Snapshot:
    """Return a token for the current cycle and stage, to continue the work elsewhere.

    Returns:
        A picklable token with the cycle and the stage. Outside any cycle it is empty and has no effect.
    """
    if not ready():
        return Snapshot(None, None)
    from cycletrace._internal.sdk import blocks

    return Snapshot(*(blocks.snapshot() or (None, None)))


def attach(token: Snapshot) -> Attached:
    """Restore a snapshot for a block of code (``with`` or ``async with``).

    Stages entered inside belong to the snapshot's cycle and are children of its stage, whether in another thread, an
    executor's worker or another process.

    A token that did not come from :func:`snapshot` is logged and has no effect.
    """
    return Attached(checks.kept([], token, Snapshot(None, None), lambda: _check(token)))


def _check(token: object) -> None:
    if not isinstance(token, Snapshot):
        raise TypeError(f"token must come from snapshot(), got {token!r}.")
