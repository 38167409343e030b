"""Where journals lie and what their names say.

``<directory>/journal/<opened ns>-<pid>-<token>-<segment>.jsonl``: one file per process and start, rotated into
segments. A file whose records were all delivered moves to ``journal/delivered`` under the same name, so a name is
the file's identity wherever it lies.
"""

from __future__ import annotations

import json
import os
import re
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from cycletrace.diagnostics import log_once
from cycletrace.journal.format import MAX_LINE, unframe

SUFFIX = ".jsonl"
SEGMENT = 16 * 1024 * 1024
"""Bytes after which the next segment begins."""
MAX_FILE = 4 * SEGMENT
"""Bytes that no segment exceeds: it ends with the first line over :data:`SEGMENT`."""
_NAME = re.compile(r"\d{20}-\d+-\w+-\d{4,}\.jsonl")


def journal_directory(directory: Path) -> Path:
    """The folder of journals within a state directory."""
    return directory / "journal"


def delivered_directory(directory: Path) -> Path:
    """The folder of journals that were delivered in full."""
    return directory / "journal" / "delivered"


def list_journals(directory: Path) -> list[Path]:
    """All journals of a state directory, delivered or not, by name: the oldest first."""
    found: dict[str, Path] = {}
    for folder in (journal_directory(directory), delivered_directory(directory)):
        for path in list_folder(folder):
            found[path.name] = path  # one that moves while we look is found once
    return [found[name] for name in sorted(found)]


def list_folder(folder: Path) -> list[Path]:
    """Return the journals of one folder, by name; none where it is missing or unreadable.

    What is no journal for certain (a stray name, a link, a device, a file larger than any journal) is logged once
    and left out, since reading it may never end.
    """
    try:
        with os.scandir(folder) as entries:
            names = sorted(entry.name for entry in entries if entry.name.endswith(SUFFIX) and _is_journal(entry))
    except OSError:
        return []
    return [folder / name for name in names]


def _is_journal(entry: os.DirEntry[str]) -> bool:
    is_plain = _NAME.fullmatch(entry.name) is not None and entry.is_file(follow_symlinks=False)
    try:
        if is_plain and entry.stat(follow_symlinks=False).st_size <= MAX_FILE:
            return True
    except OSError:  # it moved or vanished meanwhile
        return False
    log_once(f"{entry.path} is no journal, and is ignored.")
    return False


def file_name(opened: int, pid: int, token: str, segment: int) -> str:
    """The name of a segment. ``opened`` (nanoseconds) is of the first one, so that segments sort together."""
    return f"{opened:020d}-{pid}-{token}-{segment:04d}{SUFFIX}"


def next_segment(name: str) -> str:
    """The name of the segment after this one."""
    stem, _, segment = name.removesuffix(SUFFIX).rpartition("-")
    return f"{stem}-{int(segment) + 1:04d}{SUFFIX}"


def by_writer(paths: Iterable[Path]) -> list[list[Path]]:
    """The segments of each process and start together, in order."""
    groups: dict[str, list[Path]] = defaultdict(list)
    for path in paths:
        groups[path.name.rpartition("-")[0]].append(path)
    return [sorted(group, key=lambda path: path.name) for _, group in sorted(groups.items())]


def read_header(path: Path) -> dict[str, Any] | None:
    """The first document of a journal, ``None`` where it cannot be read."""
    try:
        with path.open("rb") as file:
            return unframe(file.readline(MAX_LINE))
    except (OSError, ValueError):
        return None


def is_closed(path: Path) -> bool:
    """Whether the writer of this segment ended it in order."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - 256))
            tail = file.read().splitlines()
        return bool(tail) and "closed" in unframe(tail[-1])
    except (OSError, ValueError, json.JSONDecodeError):
        return False
