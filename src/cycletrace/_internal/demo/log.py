"""The demo's own log of what happened and when, independent of cycletrace.

The acceptance test compares the facts with it. One JSON object per line, instants in UTC nanoseconds. Without
``DEMO_LOG`` in the environment nothing is written, so that a copied step runs anywhere.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")

VARIABLE = "DEMO_LOG"


def append(log: Path | str, line: dict[str, Any]) -> None:
    """Append a line with one write, since several processes share the file."""
    file = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        os.write(file, (json.dumps(line) + "\n").encode())
    finally:
        os.close(file)


def read(log: Path) -> list[dict[str, Any]]:
    """Return all lines in the order of writing."""
    return [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()] if log.exists() else []


def note(**line: object) -> None:
    """Append a line to the demo's log, if this process is part of a demo."""
    if log := os.environ.get(VARIABLE):
        append(log, line)


def logged(function: Callable[P, R]) -> Callable[P, R]:
    """Log when the function began and ended, even if it raised. The working directory is the version's."""

    @wraps(function)
    def clocked(*args: P.args, **kwargs: P.kwargs) -> R:
        start = time.time_ns()
        try:
            return function(*args, **kwargs)
        finally:
            note(step=function.__name__, version=Path.cwd().name, start=start, end=time.time_ns())

    return clocked
