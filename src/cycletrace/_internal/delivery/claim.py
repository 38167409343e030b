"""Who ships a directory's journals: one process at a time, and never one that is gone.

No file locks: they hang or lie on network file systems. Two holders at once, which a race could make, do no harm:
delivery is at least once, and identity makes a repetition count once.
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
"""Seconds without a sign of life after which a holder that cannot be looked at counts as gone."""
UNWRITTEN = 5.0
"""Seconds after which a claim without a readable holder counts as left behind in the making."""


def take(directory: Path) -> bool:
    """Take the claim on this directory, or renew it. ``False`` where another process holds it."""
    path = directory / "claim"
    me = identity()
    holder = _holder(path)
    if holder == me:
        with suppress(OSError):
            os.utime(path)
        return True
    if path.exists():
        if not _is_left(path, holder):
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
    """Give the claim up, if it is ours."""
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


def _is_left(path: Path, holder: dict[str, Any] | None) -> bool:
    try:
        age = time.time() - path.stat().st_mtime
    except OSError:
        return True
    if holder is None:
        return age > UNWRITTEN
    return is_gone(holder) or age > STALE
