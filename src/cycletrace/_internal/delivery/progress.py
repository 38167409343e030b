"""How far each journal was delivered, and why not further. Kept in one file beside the journals, for ``status``."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

FILE = "delivery.json"


@dataclass(slots=True)
class Progress:
    """What the claim-holder knows. Whoever holds the claim next goes on from here."""

    offsets: dict[str, dict[str, int]] = field(default_factory=dict)
    """By signal, by name of journal: bytes delivered."""
    unsupported: dict[str, str] = field(default_factory=dict)
    """By signal: the URL that does not take it, which is told once and not asked again."""
    problem: dict[str, str] = field(default_factory=dict)
    """By signal: the latest answer, while records wait because of it."""
    rejected: int = 0
    """Records that the endpoint refused for good, ever."""


def load(directory: Path) -> Progress:
    """The progress of a directory; from the beginning where there is none, or it is damaged."""
    try:
        said: dict[str, Any] = json.loads((directory / FILE).read_text(encoding="utf-8"))
        return Progress(
            offsets={str(s): {str(n): int(o) for n, o in names.items()} for s, names in said["offsets"].items()},
            unsupported={str(s): str(url) for s, url in said["unsupported"].items()},
            problem={str(s): str(text) for s, text in said["problem"].items()},
            rejected=int(said["rejected"]),
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return Progress()


def save(directory: Path, progress: Progress) -> None:
    """Keep the progress, whole or not at all. Where it cannot be kept, some records will be sent again."""
    path = directory / FILE
    scratch = path.with_suffix(f".{os.getpid()}")
    with suppress(OSError):
        scratch.write_text(json.dumps(asdict(progress), separators=(",", ":")), encoding="utf-8")
        scratch.replace(path)
