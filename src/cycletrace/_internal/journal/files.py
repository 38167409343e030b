"""Locations and names of journals.

``<directory>/journal/<opened ns>-<pid>-<token>-<segment>.jsonl``: one file per process and start, rotated into
segments. A fully delivered file moves to ``journal/delivered`` and keeps its name, which identifies it in either place.
"""

from __future__ import annotations

import os
import re
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

from cycletrace._internal.diagnostics import log_once
from cycletrace._internal.journal.documents import Header, parse
from cycletrace._internal.journal.format import MAX_LINE

SUFFIX = ".jsonl"
SEGMENT = 16 * 1024 * 1024
"""Size in bytes after which the next segment begins."""
MAX_FILE = 4 * SEGMENT
"""Maximum size of a segment in bytes: it ends with the first line beyond :data:`SEGMENT`."""
_NAME = re.compile(r"\d{20}-\d+-\w+-\d{4,}\.jsonl")


def journal_directory(directory: Path) -> Path:
    """Return the directory of journals in a state directory."""
    return directory / "journal"


def delivered_directory(directory: Path) -> Path:
    """Return the directory of fully delivered journals."""
    return directory / "journal" / "delivered"


def list_journals(directory: Path) -> list[Path]:
    """Return all journals of a state directory, delivered or not, oldest first."""
    found: dict[str, Path] = {}
    for folder in (journal_directory(directory), delivered_directory(directory)):
        for path in list_folder(folder):
            found[path.name] = path  # a file that moves meanwhile is listed once
    return [found[name] for name in sorted(found)]


def list_folder(folder: Path) -> list[Path]:
    """Return the journals of one directory, ordered by name; none if it is missing or unreadable.

    Anything that cannot be a journal (a stray file, a link, a device, a file larger than any journal) is logged once
    and skipped, since reading it may never end.
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
    except OSError:  # it was moved or removed meanwhile
        return False
    log_once(f"{entry.path} is not a journal and is ignored.")
    return False


def file_name(opened: int, pid: int, token: str, segment: int) -> str:
    """Return the name of a segment. ``opened`` (nanoseconds) is the first one's, so that segments sort together."""
    return f"{opened:020d}-{pid}-{token}-{segment:04d}{SUFFIX}"


def next_segment(name: str) -> str:
    """Return the name of the segment after this one."""
    stem, _, segment = name.removesuffix(SUFFIX).rpartition("-")
    return f"{stem}-{int(segment) + 1:04d}{SUFFIX}"


def by_writer(paths: Iterable[Path]) -> list[list[Path]]:
    """Return the segments grouped by process and start, in order."""
    groups: dict[str, list[Path]] = defaultdict(list)
    for path in paths:
        groups[path.name.rpartition("-")[0]].append(path)
    return [sorted(group, key=lambda path: path.name) for _, group in sorted(groups.items())]


def read_header(path: Path) -> Header | None:
    """Return the header of a journal, or ``None`` if it cannot be read."""
    try:
        with path.open("rb") as file:
            document = parse(file.readline(MAX_LINE))
    except (OSError, ValueError):
        return None
    return document if "journal" in document else None


def is_closed(path: Path) -> bool:
    """Return whether the writer closed this segment properly."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - 256))
            tail = file.read().splitlines()
        return bool(tail) and "closed" in parse(tail[-1])
    except (OSError, ValueError):
        return False
