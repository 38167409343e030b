"""The limit on the total size of a directory's journals. Dropped records are counted and reported."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from pathlib import Path

from cycletrace._internal.journal.files import delivered_directory, journal_directory, list_folder
from cycletrace._internal.journal.ownership import refuse_directory

DROPPED_FILE = "dropped.json"


def trim(directory: Path, limit: int) -> int:
    """Remove the oldest journals until the rest takes at most ``limit`` bytes, and return the number of lost records.

    Delivered journals are removed first, and do not count as lost. The newest journal always stays.
    """
    if refuse_directory(directory) is not None:
        return 0
    sizes = []
    for is_delivered, folder in ((True, delivered_directory(directory)), (False, journal_directory(directory))):
        for path in list_folder(folder):
            with suppress(OSError):
                sizes.append((path, path.stat().st_size, is_delivered))
    excess = sum(size for _, size, _ in sizes) - limit
    lost = 0
    for path, size, is_delivered in sizes[:-1]:
        if excess <= 0:
            break
        with suppress(OSError):
            records = 0 if is_delivered else _lines(path) - 1
            path.unlink()
            lost += records
            excess -= size
    if lost:
        _count(directory, lost)
    return lost


def dropped(directory: Path) -> int:
    """Return the number of records ever dropped at the limit."""
    try:
        count = json.loads((directory / DROPPED_FILE).read_text(encoding="ascii"))["records"]
    except (OSError, ValueError, KeyError, TypeError):
        return 0
    return count if isinstance(count, int) else 0


def _count(directory: Path, lost: int) -> None:
    path = directory / DROPPED_FILE
    scratch = path.with_suffix(f".{os.getpid()}")
    with suppress(OSError):
        scratch.write_text(json.dumps({"records": dropped(directory) + lost}), encoding="ascii")
        scratch.replace(path)


def _lines(path: Path) -> int:
    with path.open("rb") as file:
        return sum(chunk.count(b"\n") for chunk in iter(lambda: file.read(1 << 20), b""))
