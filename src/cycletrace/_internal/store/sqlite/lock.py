"""The lock that gives a store to one collector: two would each continue the counters that they read at startup."""

from __future__ import annotations

import os
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from cycletrace._internal.store.errors import StoreError

if sys.platform == "win32":
    import msvcrt

    _BEYOND = 1 << 40
    """A byte beyond any store: the others are SQLite's."""

    def _lock(descriptor: int) -> None:
        os.lseek(descriptor, _BEYOND, os.SEEK_SET)
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def _lock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


@contextmanager
def store_lock(store: Path) -> Generator[None]:
    """Hold the lock of a store that exists until the end of the block, or of the process, however it ends.

    The lock is on the file itself, so it holds under every name that the file has. The block must contain all that
    SQLite does with it in this process: closing the descriptor of the lock would release the locks that SQLite holds.
    Source: https://www.sqlite.org/howtocorrupt.html, 2.2.

    Raises:
        StoreError: where another collector holds it, or the file cannot be opened.
    """
    try:
        descriptor = os.open(store, os.O_RDWR | getattr(os, "O_CLOEXEC", 0))
    except OSError as error:
        raise StoreError(
            f"The store {store} cannot be locked: {error.strerror}. Choose a file that you can write."
        ) from error
    try:
        try:
            _lock(descriptor)
        except OSError as error:
            raise StoreError(
                f"Another collector uses the store {store}: stop it, or choose another store with --store."
            ) from error
        yield
    finally:
        os.close(descriptor)
