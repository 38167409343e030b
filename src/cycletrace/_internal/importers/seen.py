"""What was imported before, so that the next import of a source goes on there, and sends nothing twice."""

from __future__ import annotations

import json
from collections.abc import Iterable
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

FOLDER = "imports"
"""The folder of these files in the state directory."""


class Seen:
    """Items that were imported, each with its latest version. Its file, if any, has a line for each."""

    def __init__(self, versions: dict[str, str], path: Path | None = None) -> None:
        self._versions = versions
        self._path = path

    def get(self, item: str) -> str | None:
        """Return the version of an item that was imported last, or ``None``."""
        return self._versions.get(item)

    def note(self, item: str, version: str) -> None:
        """Keep that this version of an item was imported.

        Raises:
            OSError: if it cannot be written.
        """
        self._versions[item] = version
        if self._path is not None:
            self._path.parent.mkdir(mode=0o700, exist_ok=True)
            with self._path.open("a", encoding="ascii") as file:
                file.write("\n" + json.dumps([item, version]))  # so that a torn line damages no other


def path_of(directory: Path, system: str, choices: Iterable[object]) -> Path:
    """Return the file of a source. Under other ``choices``, other records follow from the same items."""
    digest = sha256(json.dumps([str(choice) for choice in choices]).encode()).hexdigest()[:16]
    return directory / FOLDER / f"{system}-{digest}.jsonl"


def load(path: Path) -> dict[str, str]:
    """Return the versions that a file keeps. What is damaged in it is imported again."""
    versions: dict[str, str] = {}
    with suppress(OSError), path.open("rb") as file:
        for line in file:
            with suppress(ValueError, TypeError):
                item, version = json.loads(line)
                versions[str(item)] = str(version)
    return versions
