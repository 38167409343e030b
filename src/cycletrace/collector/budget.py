"""How many bytes of requests may be in memory at once: what does not fit waits, or is asked to come again."""

from __future__ import annotations

import asyncio
from collections import deque


class NoRoomError(Exception):
    """The bytes did not fit in time."""


class Budget:
    """A number of bytes that are lent and given back, in the order in which they were asked for. For one event loop."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.free = size
        self._waiting: deque[tuple[int, asyncio.Future[None]]] = deque()

    async def take(self, count: int, timeout: float) -> None:
        """Borrow bytes; more than there are in all counts as all.

        Raises:
            NoRoomError: where they are not free within ``timeout`` seconds.
        """
        count = min(count, self.size)
        if not self._waiting and count <= self.free:
            self.free -= count
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((count, turn))
        try:
            await asyncio.wait_for(asyncio.shield(turn), timeout)
        except asyncio.TimeoutError:
            if self._leave(count, turn):
                raise NoRoomError from None
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
