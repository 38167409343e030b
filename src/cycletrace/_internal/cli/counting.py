"""Progress of what takes long, on stderr, where that is a terminal."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator
from typing import TypeVar

T = TypeVar("T")

PATIENCE = 2.0
"""Seconds after which progress is shown."""
_EVERY = 0.1
"""Seconds between two updates."""
_ERASE = "\r\x1b[K"


def counted(items: Iterable[T], noun: str) -> Iterator[T]:
    """Yield the items; once that takes long, count them in a line of the terminal that goes when it ends."""
    if sys.stderr is None or not sys.stderr.isatty():
        yield from items
        return
    began = time.monotonic()
    due, is_shown = began + PATIENCE, False
    try:
        for n, item in enumerate(items):
            if time.monotonic() >= due:
                _write(f"{_ERASE}{n:,} {noun} read in {time.monotonic() - began:.0f} s")
                due, is_shown = time.monotonic() + _EVERY, True
            yield item
    finally:
        if is_shown:
            _write(_ERASE)


def _write(text: str) -> None:
    sys.stderr.write(text)
    sys.stderr.flush()
