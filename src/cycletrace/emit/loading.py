"""Loading what records: once, at the first stage, and never while another thread forks.

A child that is born in the midst of an import finds the module's lock held by a thread that it does not have, and
waits for ever when it imports that module itself. So whoever imports late here holds :data:`lock`, and a fork waits
for it, but not for ever: whoever imports may in turn wait for a module that the forking thread imports.

Imported with the public surface, so that no thread imports this module late; hence without :mod:`threading`, which
takes a while.
"""

from __future__ import annotations

import os
import sys
from _thread import RLock

lock = RLock()  # re-entrant: a signal handler may start a stage, or fork, in the midst of an import
"""To be looked up in this module each time: a child may need another one."""
LONGEST_WAIT = 10.0
"""Seconds that a fork waits for an import."""

is_loaded = False
"""Whether the modules that record are at hand."""
_is_usable: bool | None = None
"""Whether they can be had at all; ``None`` until that is known, ``False`` also while they are being loaded."""


def ready() -> bool:
    """Return whether anything can be recorded; the first call loads what records it.

    After it, modules of this package may be imported without holding :data:`lock`. It is ``False`` where OpenTelemetry
    is missing or broken, and for a signal handler that runs in the midst of the loading: what it does is not recorded.
    """
    return True if is_loaded else _load()


def _load() -> bool:
    global is_loaded, _is_usable
    with lock:
        if _is_usable is None:
            _is_usable = False
            import logging as _  # noqa: F401
            from importlib import import_module

            _follow_forks()
            from cycletrace.diagnostics import describe_error, log_once

            try:
                for name in ("blocks", "marks", "runs", "waits"):
                    import_module(f"cycletrace.emit.{name}")
            except Exception as error:  # rule 1: the program works without us
                log_once(f"Nothing is recorded, since cycletrace cannot be loaded: {describe_error(error)}")
            else:
                is_loaded = _is_usable = True
        return _is_usable


def wait() -> bool:
    """Wait until no other thread imports. ``False`` where that takes too long."""
    is_free = lock.acquire(timeout=LONGEST_WAIT)
    if is_free:
        lock.release()
    return is_free


def _follow_forks() -> None:
    """Have forks wait for imports. To be called again after an import of :mod:`logging`, with the lock held.

    Hooks run before a fork in the reverse order of their registration, and logging's takes a lock that an import may
    wait for: ours must come before it.
    """
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(before=_before, after_in_parent=_in_parent, after_in_child=_in_child)


def _before() -> None:
    lock.acquire(timeout=LONGEST_WAIT)


def _release() -> bool:
    try:
        lock.release()
    except RuntimeError:  # it is another thread's: the fork waited in vain
        return False
    return True


def _in_parent() -> None:
    _release()


def _in_child() -> None:
    global lock, _is_usable
    if not _release():
        lock = RLock()  # whoever held it is not in this process
        if not is_loaded:
            _is_usable = None  # nor does anybody go on with the loading


if "threading" in sys.modules:
    # Where threads are about, logging is loaded now: loaded while a fork waits, its hooks run after the fork only,
    # and complain. Elsewhere it would double what the import costs.
    import logging as _  # noqa: F401
_follow_forks()
