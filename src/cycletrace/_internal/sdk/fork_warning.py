"""Suppression of Python's warning about forks with threads, in programs that have no other thread.

Python 3.12 and newer warn if a process has more than one thread when it forks. Ours is stopped during a fork and
restarted afterwards, but some versions count the threads only then.
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
"""The filter that we added to ``warnings.filters``, if any."""


def restore() -> None:
    """Remove our filter before a fork."""
    with suppress(IndexError, ValueError):  # the program may have replaced its filters
        warnings.filters.remove(_filters.pop())  # type: ignore[attr-defined]  # typed as read-only


def suppress_if_alone() -> None:
    """Suppress the warning after a fork, before our thread restarts, if it is the only other thread."""
    if COUNTS_TOO_LATE and _count_threads() == 1:
        warnings.filterwarnings("ignore", r"This process \(pid=\d+\) is multi-threaded", DeprecationWarning)
        _filters.append(warnings.filters[0])


def _count_threads() -> int:
    try:
        return len(list(Path("/proc/self/task").iterdir()))
    except OSError:
        return threading.active_count()
