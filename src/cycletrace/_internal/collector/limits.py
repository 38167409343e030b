"""Limits on what is received, so that no sender can exhaust the collector, and the memory that requests share."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any, NamedTuple, TypeVar

T = TypeVar("T")

KIB = 1024
MIB = 1024 * KIB


class Limits(NamedTuple):
    """Bounds on what is received. Sizes are bytes, times seconds."""

    body: int = 16 * MIB
    """The largest message, before and after decompression."""
    in_flight: int = 256 * MIB
    """All requests in progress, together."""
    overhead: int = 16 * KIB
    """Added to each message, so that a million small ones cannot pile up either."""
    patience: float = 10.0
    """How long a message may take to arrive, and how long it may wait for room."""
    hurry: float = 1.0
    """How long a message may take to arrive while others wait for room: slow senders must not block the others."""
    grace: float = 2.0
    """How long requests in progress may take when the collector stops."""


class NoRoomError(Exception):
    """A request did not fit, or did not arrive, in time. The message is for its sender."""


class Budget:
    """A number of bytes that requests borrow and give back. Senders that wait take turns. For one event loop."""

    def __init__(self, limits: Limits) -> None:
        self.size = limits.in_flight
        self.free = limits.in_flight
        self._limits = limits
        self._waiting: dict[str, deque[tuple[int, asyncio.Future[None]]]] = {}

    async def borrow(self, count: int, sender: str = "") -> Loan:
        """Borrow this many bytes.

        Raises:
            NoRoomError: where they are not free in time.
        """
        await self.take(count, sender)
        return Loan(self, min(count, self.size))

    async def arrived(self, reading: asyncio.Task[T]) -> T:
        """Return what a request that arrives holds. A slow sender is cut off sooner while others wait for room.

        Raises:
            NoRoomError: where it did not arrive in time.
        """
        left = self._limits.patience
        try:
            while not (await asyncio.wait({reading}, timeout=min(left, self._limits.hurry)))[0]:
                left -= self._limits.hurry
                if self._waiting or left <= 0:
                    raise NoRoomError("the request did not arrive in time: send it again")
            return reading.result()
        finally:
            reading.cancel()

    async def take(self, count: int, sender: str = "") -> None:
        """Borrow bytes; more than the whole budget counts as the whole.

        Raises:
            NoRoomError: where they are not free in time.
        """
        count = min(count, self.size)
        # What has yet to arrive takes next to nothing, and need not wait behind those who need much.
        if count <= self.free and (not self._waiting or count <= self._limits.overhead):
            self.free -= count
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(sender, deque()).append((count, turn))
        try:
            await asyncio.wait_for(asyncio.shield(turn), self._limits.patience)
        except asyncio.TimeoutError:
            if self._leave(sender, count, turn):
                raise NoRoomError("too many requests are in progress: send it again") from None
        except asyncio.CancelledError:
            if not self._leave(sender, count, turn):
                self.give(count)
            raise

    def give(self, count: int) -> None:
        """Give back bytes."""
        self.free += min(count, self.size)
        while self._waiting:
            sender, turns = next(iter(self._waiting.items()))
            count, turn = turns[0]
            if count > self.free:
                break
            turns.popleft()
            del self._waiting[sender]
            if turns:  # behind the other senders
                self._waiting[sender] = turns
            self.free -= count
            turn.set_result(None)

    def _leave(self, sender: str, count: int, turn: asyncio.Future[None]) -> bool:
        """Leave the queue. Return ``False`` if the turn had come already."""
        if turn.done():
            return False
        turns = self._waiting[sender]
        turns.remove((count, turn))
        if not turns:
            del self._waiting[sender]
        turn.cancel()
        self.give(0)
        return True


class Loan:
    """The bytes that one request holds, until it is resized to none."""

    def __init__(self, budget: Budget, size: int) -> None:
        self._budget = budget
        self._size = size

    def resize(self, size: int) -> None:
        """Hold this many bytes.

        Raises:
            NoRoomError: where more are not free. Whoever holds some does not wait: all could wait for each other.
        """
        size = min(size, self._budget.size)
        more = size - self._size
        if more > self._budget.free:
            raise NoRoomError("too many requests are in progress: send it again")
        self._size = size
        self._budget.give(-more)

    async def hold(self, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Return the result of work, and give the bytes back when it has ended, also if nobody waits any more."""
        task = asyncio.get_running_loop().create_task(work())
        _HELD.add(task)  # the event loop itself keeps no reference
        task.add_done_callback(_HELD.discard)
        task.add_done_callback(lambda _: self.resize(0))
        return await asyncio.shield(task)

    async def receive(self, read: Coroutine[Any, Any, T]) -> T:
        """Return what is read of a request, which may resize this meanwhile.

        Raises:
            NoRoomError: where it did not arrive in time.
        """
        return await self._budget.arrived(asyncio.get_running_loop().create_task(read))


_HELD: set[asyncio.Task[Any]] = set()
"""Work under way."""


def allow_many_connections() -> None:
    """Raise the soft limit of open files, often 1,024, to the hard one: each connection is a file."""
    with suppress(ImportError, OSError, ValueError):  # a platform without such limits, or a place that forbids it
        import resource

        _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
