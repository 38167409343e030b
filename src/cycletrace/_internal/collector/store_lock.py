"""The lock that gives a store to one collector: two would each continue the counters that they read at startup."""

from __future__ import annotations

import os
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from cycletrace._internal.store import StoreError

if sys.platform == "win32":
    import msvcrt

    def _lock(descriptor: int) -> None:
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def _lock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


@contextmanager
def store_lock(store: Path) -> Generator[None]:
    """Hold the lock of a store until the end of the block, or of the process, however it ends.

    The lock is on a file of its own, because closing any descriptor of the store itself would release SQLite's locks.

    Raises:
        StoreError: where another collector holds it.
    """
    path = store.resolve()
    lock = path.with_name(f"{path.name}-collector")
    try:
        descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o600)
    except OSError as error:
        raise StoreError(
            f"The lock file {lock} cannot be created: {error.strerror}. Choose a directory that can be written."
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
