"""Work that goes on elsewhere: in another thread, an executor, a process of a pool."""

from __future__ import annotations

from cycletrace.emit.loading import ready

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType

    from cycletrace.emit.blocks import Block


class Snapshot:
    """Where code ran: its cycle and its stage. Picklable; made by :func:`snapshot`, resumed by :func:`attach`."""

    __slots__ = ("cycle", "stage")

    def __init__(self, cycle: str | None, stage: str | None) -> None:
        self.cycle = cycle
        """The cycle, in the form of ``CYCLETRACE_CYCLE``; ``None`` where there was none yet."""
        self.stage = stage
        """The id of the stage, 16 lower-case hex digits; ``None`` outside any."""

    def __repr__(self) -> str:
        return f"<snapshot of stage {self.stage} in cycle {self.cycle}>"


class Attached:
    """Code that goes on where a snapshot was taken. Made by :func:`attach`."""

    __slots__ = ("_entered", "_token")

    def __init__(self, token: Snapshot) -> None:
        self._token = token
        self._entered: list[Block] = []

    def __enter__(self) -> None:
        if self._token.cycle is not None and ready():
            from cycletrace.emit import blocks

            block = blocks.attach(self._token.cycle, self._token.stage)
            if block is not None:
                self._entered.append(block)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._entered:
            from cycletrace.emit import blocks

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
    """Where the calling code runs, to be carried to where its work goes on.

    Returns:
        A picklable token: the cycle and the stage, no more. Outside any cycle it is empty, and resumes nothing.
    """
    if not ready():
        return Snapshot(None, None)
    from cycletrace.emit import blocks

    return Snapshot(*(blocks.snapshot() or (None, None)))


def attach(token: Snapshot) -> Attached:
    """Go on where a snapshot was taken, for a block of code (``with`` or ``async with``).

    Stages entered inside belong to the snapshot's cycle and lie within its stage, in another thread, an executor's
    worker or another process alike.

    Raises:
        TypeError: where ``token`` is none of :func:`snapshot`.
    """
    if not isinstance(token, Snapshot):  # pyright: ignore[reportUnnecessaryIsInstance] - what types cannot hold
        raise TypeError(f"attach takes what snapshot() gave, and {token!r} is none.")
    return Attached(token)
