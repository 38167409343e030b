"""Offloading of large requests from the event loop, so that it keeps responding to others."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

SMALL = 64 * 1024
"""Bytes that are parsed sooner than a thread wakes up."""

T = TypeVar("T")


class Offload:
    """One thread, so that only one large request at a time takes the memory of being parsed."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="cycletrace-parse")

    async def run(self, size: int, work: Callable[[], T]) -> T:
        """Run work on this many bytes: in place if they are few, else in the thread."""
        if size <= SMALL:
            return work()
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    def close(self) -> None:
        """Cancel what has not begun, without waiting."""
        self._thread.shutdown(wait=False, cancel_futures=True)
