"""The progress of delivery: how far each journal was delivered, and why not further. One file beside the journals."""

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
    """The state of delivery. The next holder of the claim continues from here."""

    offsets: dict[str, dict[str, int]] = field(default_factory=dict)
    """Bytes delivered, by signal and name of the journal."""
    unsupported: dict[str, str] = field(default_factory=dict)
    """By signal, the URL of an endpoint that does not support it. Logged once; nothing more is sent there."""
    problem: dict[str, str] = field(default_factory=dict)
    """By signal, the latest failure, while records wait because of it."""
    rejected: int = 0
    """Number of records that endpoints have rejected permanently."""


def load(directory: Path) -> Progress:
    """Return the progress of a directory; an empty one if there is none or it is damaged."""
    try:
        saved: dict[str, Any] = json.loads((directory / FILE).read_text(encoding="utf-8"))
        return Progress(
            offsets={
                str(signal): {str(name): int(offset) for name, offset in names.items()}
                for signal, names in saved["offsets"].items()
            },
            unsupported={str(signal): str(url) for signal, url in saved["unsupported"].items()},
            problem={str(signal): str(text) for signal, text in saved["problem"].items()},
            rejected=int(saved["rejected"]),
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return Progress()


def save(directory: Path, progress: Progress) -> None:
    """Save the progress atomically. If that fails, some records will be sent again."""
    path = directory / FILE
    scratch = path.with_suffix(f".{os.getpid()}")
    with suppress(OSError):
        scratch.write_text(json.dumps(asdict(progress), separators=(",", ":")), encoding="utf-8")
        scratch.replace(path)
