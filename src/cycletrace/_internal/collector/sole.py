"""One collector to a store: two would each go on counting from what they read at their start."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from cycletrace._internal.store import StoreError


@contextmanager
def sole(store: Path) -> Generator[None]:
    """Be the only collector of a store until the end of the block, or of the process, however it ends.

    The lock is on a file of its own, since closing any descriptor of the store itself would let go of SQLite's locks.

    Raises:
        StoreError: where another collector has the store.
    """
    path = store.resolve()
    beside = path.with_name(f"{path.name}-collector")
    try:
        descriptor = os.open(beside, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise StoreError(f"The file {beside} cannot be made: {error.strerror}.") from error
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise StoreError(
                f"Another collector has the store {store}: end that one, or choose another store."
            ) from error
        yield
    finally:
        os.close(descriptor)
