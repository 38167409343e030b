"""Loading of the recorder: once, at the first stage, not at all if disabled, and never while another thread forks.

In a child forked during an import, the module's lock is held by a thread that does not exist, and importing that
module blocks forever. So late imports here hold :data:`lock`, and a fork waits for it, but not indefinitely: the
importing thread may in turn wait for a module that the forking thread is importing.

This module is imported with the public API, so that no thread imports it late. It avoids :mod:`threading`, which is
slow to import.
"""

from __future__ import annotations

import os
import sys
from _thread import RLock

lock = RLock()  # re-entrant: a signal handler may start a stage, or fork, during an import
"""Look it up in this module each time: a child may replace it."""
LONGEST_WAIT = 10.0
"""Maximum seconds that a fork waits for an import."""

is_loaded = False
"""True once the recorder is loaded."""
is_disabled = False
"""True once it is known that the settings turn everything off."""
_precedes_logging = False
"""True once forks wait for imports before they wait for logging."""
_is_usable: bool | None = None
"""Whether it can be loaded; ``None`` until that is known, ``False`` also during loading."""


def ready() -> bool:
    """Return whether anything can be recorded. The first call loads the recorder.

    Afterwards, modules of this package may be imported without holding :data:`lock`. Returns ``False`` if cycletrace is
    disabled, if OpenTelemetry is missing or broken, and in a signal handler during loading, whose stages are not
    recorded.
    """
    return is_loaded or (not is_disabled and _load())


def forget() -> None:
    """Find out again whether anything can be recorded, by settings that changed."""
    global is_loaded, is_disabled, _is_usable
    with lock:
        is_loaded = is_disabled = False
        _is_usable = None


def _load() -> bool:
    global is_loaded, is_disabled, _is_usable, _precedes_logging
    with lock:
        if _is_usable is None:
            _is_usable = False
            import logging as _  # noqa: F401
            from importlib import import_module

            if not _precedes_logging:
                _follow_forks()
                _precedes_logging = True
            from cycletrace._internal.diagnostics import describe_error, is_from_handler, log_once

            try:
                settings = import_module("cycletrace._internal.sdk.settings").read()
                if not settings.enabled:
                    is_disabled = True
                    return False
                for name in ("blocks", "marks", "runs", "waits"):
                    import_module(f"cycletrace._internal.sdk.{name}")
            except BaseException as error:  # telemetry never changes the program
                if not isinstance(error, Exception) or is_from_handler(error):
                    _is_usable = None  # interrupted: the next stage loads it
                    raise
                log_once(f"Nothing is recorded, because cycletrace cannot be loaded: {describe_error(error)}")
            else:
                is_loaded = _is_usable = True
        return _is_usable


def wait() -> bool:
    """Wait until no other thread is importing. Return ``False`` if that takes too long."""
    is_free = lock.acquire(timeout=LONGEST_WAIT)
    if is_free:
        lock.release()
    return is_free


def _follow_forks() -> None:
    """Make forks wait for imports. Call it again after an import of :mod:`logging`, with the lock held.

    Hooks before a fork run in reverse order of registration, and that of logging takes a lock that an import may wait
    for, so ours must run first.
    """
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(before=_before, after_in_parent=_in_parent, after_in_child=_in_child)


def _before() -> None:
    lock.acquire(timeout=LONGEST_WAIT)


def _release() -> bool:
    try:
        lock.release()
    except RuntimeError:  # another thread holds it: the wait timed out
        return False
    return True


def _in_parent() -> None:
    _release()


def _in_child() -> None:
    global lock, _is_usable
    if not _release():
        lock = RLock()  # its holder does not exist in this process
        if not is_loaded:
            _is_usable = None  # and nothing continues the loading


if "threading" in sys.modules:
    # With threads, load logging now: if it were loaded while a fork waits, its hooks would run only after the fork, and
    # fail. Otherwise do not, since it would double the import time.
    import logging as _  # noqa: F401
_follow_forks()
