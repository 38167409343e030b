"""What is imported late must not be imported while another thread forks.

A child that is born in the midst of an import finds the module's lock held by a thread that it does not have, and
waits for ever when it imports that module itself. So whoever imports late here holds :data:`LOADING`, and a fork
waits for it, but not for ever: whoever imports may in turn wait for a module that the forking thread imports.
"""

from __future__ import annotations

# Hooks run in the reverse order of their registration before a fork, and logging's takes a lock that an import of ours
# may wait for: ours must come first, so logging must be there before.
import logging as _logging  # noqa: F401
import os
import threading

LOADING = threading.RLock()
LONGEST_WAIT = 2.0
"""Seconds that a fork waits for an import."""

_is_held = False


def _before_fork() -> None:
    global _is_held
    _is_held = LOADING.acquire(timeout=LONGEST_WAIT)


def _after_fork() -> None:
    if _is_held:
        LOADING.release()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before_fork, after_in_parent=_after_fork, after_in_child=_after_fork)
