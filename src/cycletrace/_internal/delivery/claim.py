"""The claim on a directory: the one process that delivers its journals.

It is a file, not a file lock, which may hang or fail silently on network file systems. If a race lets two processes
hold the claim, records are delivered twice, which is harmless: duplicates count once.
"""

from __future__ import annotations

import json
import os
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from cycletrace._internal.journal.processes import identity, is_gone

STALE = 60.0
"""Seconds without renewal after which a holder whose process cannot be checked counts as gone."""
UNWRITTEN = 5.0
"""Seconds after which a claim that names no holder counts as abandoned: its creator was killed while writing it."""


def take(directory: Path) -> bool:
    """Take or renew the claim on this directory. Return ``False`` if another process holds it."""
    path = directory / "claim"
    me = identity()
    holder = _holder(path)
    if holder == me:
        with suppress(OSError):
            os.utime(path)
        return True
    if path.exists():
        if not _is_abandoned(path, holder):
            return False
        aside = path.with_name(f"claim.{os.getpid()}")
        with suppress(OSError):
            path.rename(aside)  # only one of several succeeds
            aside.unlink()
    try:
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError:
        return False
    with os.fdopen(fd, "w", encoding="ascii") as file:
        json.dump(me, file)
    return True


def release(directory: Path) -> None:
    """Release the claim if this process holds it."""
    path = directory / "claim"
    if _holder(path) == identity():
        with suppress(OSError):
            path.unlink()


def _holder(path: Path) -> dict[str, Any] | None:
    try:
        holder = json.loads(path.read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None
    return holder if isinstance(holder, dict) else None


def _is_abandoned(path: Path, holder: dict[str, Any] | None) -> bool:
    try:
        age = time.time() - path.stat().st_mtime
    except OSError:
        return True
    if holder is None:
        return age > UNWRITTEN
    return is_gone(holder) or age > STALE
