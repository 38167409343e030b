"""Limits on what is received, so that no sender can exhaust the collector, and the memory that requests share."""

from __future__ import annotations

import asyncio
from collections import Counter, deque
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
    waiting: int = 1000
    """How many messages of one address may wait for room, which takes memory, too."""
    grace: float = 2.0
    """How long requests in progress may take when the collector stops."""


class NoRoomError(Exception):
    """A request did not fit, or did not arrive, in time. The message is for its sender."""


class _Turn(NamedTuple):
    """A request that waits for this many bytes, and the future that completes when it has them."""

    size: int
    came: asyncio.Future[None]


class Budget:
    """A number of bytes that requests borrow and give back. For one event loop.

    No address holds more than it leaves to others, so that who holds nothing finds room. Addresses that wait take
    turns, and so do the connections of each.
    """

    def __init__(self, limits: Limits) -> None:
        self.size = limits.in_flight
        self.free = limits.in_flight
        self._limits = limits
        self._held: Counter[str] = Counter()
        self._waiting: dict[str, dict[str, deque[_Turn]]] = {}
        """By address and connection, those whose turn is next first."""

    async def borrow(self, count: int, address: str = "", connection: str = "") -> Loan:
        """Borrow bytes for a request of this connection; more than the whole budget counts as the whole.

        Raises:
            NoRoomError: where they are not free in time.
        """
        count = min(count, self.size)
        # What has yet to arrive takes next to nothing, and need not wait behind those who need much.
        if self.has_room(count, address) and (address not in self._waiting or count <= self._limits.overhead):
            self._move(count, address)
        else:
            await self._wait(_Turn(count, asyncio.get_running_loop().create_future()), address, connection)
        return Loan(self, address, count)

    async def arrived(self, reading: asyncio.Task[T], address: str) -> T:
        """Return what a request that arrives holds. A slow sender is cut off sooner while others need the room.

        Raises:
            NoRoomError: where it did not arrive in time.
        """
        left = self._limits.patience
        try:
            while not (await asyncio.wait({reading}, timeout=min(left, self._limits.hurry)))[0]:
                left -= self._limits.hurry
                if self._is_needed(address) or left <= 0:
                    raise NoRoomError("the request did not arrive in time: send it again")
            return reading.result()
        finally:
            reading.cancel()

    def has_room(self, more: int, address: str, own: int = 0) -> bool:
        """Return whether a request of an address that holds ``own`` bytes may hold so many more."""
        held = self._held[address]
        return more <= self.free and (held == own or held + more <= self.free - more)

    def resize(self, more: int, address: str) -> None:
        """Have an address hold more bytes, for which there is room, or fewer."""
        self._move(more, address)
        if more < 0:
            self._next_turns()

    def _move(self, count: int, address: str) -> None:
        self.free -= count
        self._held[address] += count
        if not self._held[address]:
            del self._held[address]

    def _is_needed(self, address: str) -> bool:
        """Return whether somebody waits who holds no more than this address."""
        return any(self._held[other] <= self._held[address] for other in self._waiting)

    def _next_turns(self) -> None:
        """Let those in whose turn has come, as far as there is room."""
        for address in list(self._waiting):
            while address in self._waiting:
                connection, turns = next(iter(self._waiting[address].items()))
                turn = turns[0]
                if turn.size > self.free:
                    return
                if not self.has_room(turn.size, address):
                    break
                self._remove(turn, address, connection)
                self._move(turn.size, address)
                turn.came.set_result(None)

    async def _wait(self, turn: _Turn, address: str, connection: str) -> None:
        connections = self._waiting.get(address, {})
        if sum(map(len, connections.values())) >= self._limits.waiting:
            raise NoRoomError("too many requests of this address are waiting: send it again")
        self._waiting[address] = connections
        connections.setdefault(connection, deque()).append(turn)
        try:
            await asyncio.wait({turn.came}, timeout=self._limits.patience)
        except asyncio.CancelledError:
            if turn.came.done():  # nobody waits for it any longer
                self.resize(-turn.size, address)
            else:
                self._leave(turn, address, connection)
            raise
        if not turn.came.done():
            self._leave(turn, address, connection)
            raise NoRoomError("too many requests are in progress: send it again")

    def _leave(self, turn: _Turn, address: str, connection: str) -> None:
        self._remove(turn, address, connection)
        self._next_turns()

    def _remove(self, turn: _Turn, address: str, connection: str) -> None:
        """Remove what waits, and put its address and connection behind the others."""
        connections = self._waiting.pop(address)
        turns = connections.pop(connection)
        turns.remove(turn)
        if turns:
            connections[connection] = turns
        if connections:
            self._waiting[address] = connections


class Loan:
    """The bytes that one request of an address holds, until it is resized to none."""

    def __init__(self, budget: Budget, address: str, size: int) -> None:
        self._budget = budget
        self._address = address
        self._size = size

    def resize(self, size: int) -> None:
        """Hold this many bytes.

        Raises:
            NoRoomError: where more are not free. Whoever holds some does not wait: all could wait for each other.
        """
        size = min(size, self._budget.size)
        more = size - self._size
        if more > 0 and not self._budget.has_room(more, self._address, self._size):
            raise NoRoomError("too many requests are in progress: send it again")
        self._size = size
        self._budget.resize(more, self._address)

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
        return await self._budget.arrived(asyncio.get_running_loop().create_task(read), self._address)


_HELD: set[asyncio.Task[Any]] = set()
"""Work under way."""


def allow_many_connections() -> None:
    """Raise the soft limit of open files, often 1,024, to the hard one: each connection is a file."""
    with suppress(ImportError, OSError, ValueError):  # a platform without such limits, or a place that forbids it
        import resource

        _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
