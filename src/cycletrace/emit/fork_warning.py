"""Python's warning of a fork with threads, kept from programs that have but one.

Python 3.12 and newer warn where a process has more than one thread as it forks. Our own is stopped for a fork and then
started again; some versions count the threads only after that.
Source: https://github.com/python/cpython/issues/137109
"""

from __future__ import annotations

import sys
import threading
import warnings
from contextlib import suppress
from pathlib import Path

COUNTS_TOO_LATE = (3, 13) <= sys.version_info < (3, 13, 10) or (3, 14) <= sys.version_info < (3, 14, 1)

_filters: list[object] = []
"""The filter that stands in ``warnings.filters`` because of us, if one does."""


def restore() -> None:
    """Before a fork: have the interpreter warn as the program chose."""
    with suppress(IndexError, ValueError):  # the program may have replaced its filters
        warnings.filters.remove(_filters.pop())  # type: ignore[attr-defined]  # typed as read-only


def suppress_if_alone() -> None:
    """After a fork, before our thread starts again: have the interpreter not count it, where it is the only other."""
    if COUNTS_TOO_LATE and _count_threads() == 1:
        warnings.filterwarnings("ignore", r"This process \(pid=\d+\) is multi-threaded", DeprecationWarning)
        _filters.append(warnings.filters[0])


def _count_threads() -> int:
    try:
        return len(list(Path("/proc/self/task").iterdir()))
    except OSError:
        return threading.active_count()
