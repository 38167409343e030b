"""How many bytes of requests may be in memory at once: what does not fit waits, or is asked to come again."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from cycletrace._internal.collector.limits import Limits

T = TypeVar("T")


class NoRoomError(Exception):
    """The bytes did not fit, or did not arrive, in time."""


class Budget:
    """A number of bytes that are lent and given back, in the order in which they were asked for. For one event loop."""

    def __init__(self, limits: Limits) -> None:
        self.size = limits.in_flight
        self.free = limits.in_flight
        self._limits = limits
        self._waiting: deque[tuple[int, asyncio.Future[None]]] = deque()

    async def receive(self, count: int, read: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Read what takes so many bytes, once there is room for it. The bytes stay borrowed, unless it fails.

        A sender may take its time while nobody else needs the room, else it is hurried.

        Raises:
            NoRoomError: where there was no room for it in time, or it did not arrive in time.
        """
        await self.take(count)
        reading = asyncio.get_running_loop().create_task(read())
        try:
            await self._arrived(reading)
            return reading.result()
        except BaseException:
            reading.cancel()
            self.give(count)
            raise

    async def _arrived(self, reading: asyncio.Task[Any]) -> None:
        left = self._limits.patience
        while not (await asyncio.wait({reading}, timeout=min(left, self._limits.hurry)))[0]:
            left -= self._limits.hurry
            if self._waiting or left <= 0:
                raise NoRoomError("the request did not arrive in time")

    async def take(self, count: int) -> None:
        """Borrow bytes; more than there are in all counts as all.

        Raises:
            NoRoomError: where they are not free in time.
        """
        count = min(count, self.size)
        if not self._waiting and count <= self.free:
            self.free -= count
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((count, turn))
        try:
            await asyncio.wait_for(asyncio.shield(turn), self._limits.patience)
        except asyncio.TimeoutError:
            if self._leave(count, turn):
                raise NoRoomError("too many requests at once") from None
        except asyncio.CancelledError:
            if not self._leave(count, turn):
                self.give(count)
            raise

    def give(self, count: int) -> None:
        """Give back as many bytes as were asked for."""
        self.free += min(count, self.size)
        while self._waiting and self._waiting[0][0] <= self.free:
            count, turn = self._waiting.popleft()
            self.free -= count
            turn.set_result(None)

    def _leave(self, count: int, turn: asyncio.Future[None]) -> bool:
        """Leave the queue; ``False`` where the turn had come already."""
        if turn.done():
            return False
        self._waiting.remove((count, turn))
        turn.cancel()
        self.give(0)
        return True
