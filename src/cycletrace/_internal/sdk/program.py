"""The run of a program that a process belongs to: with the workers of its pools, at any depth, it is one.

Workers may start before their parent has any cycle to hand on, so all compute what they have in common: a digest of
the random key by which :mod:`multiprocessing` lets the processes of a program trust each other.
"""

from __future__ import annotations

import hashlib
import os
import sys
from types import ModuleType

from cycletrace._internal.journal.processes import is_forked, parent_of


def shared_id() -> str | None:
    """Return a text that is the same in all processes of this run and in no other; ``None`` if it has no workers.

    A process that forked without :mod:`multiprocessing`, such as a job of a server, is a run of its own, though it has
    the key of the server.
    """
    module = _multiprocessing()
    if module is None or (is_forked() and not _is_forked_worker(module)):
        return None
    return hashlib.sha256(b"cycletrace.program\0" + bytes(module.current_process().authkey)).hexdigest()


def is_worker() -> bool:
    """Return whether another process of this run started this one."""
    module = _multiprocessing()
    return module is not None and module.parent_process() is not None


def _is_forked_worker(module: ModuleType) -> bool:
    started_by = module.parent_process()
    if started_by is None:
        return False
    from multiprocessing import get_start_method

    parent = os.getppid()
    method = getattr(module.current_process(), "_start_method", None) or get_start_method()
    # A server of forks is between the two. A worker's own fork keeps what multiprocessing knows of the worker.
    return bool(started_by.pid == {"fork": parent, "forkserver": parent_of(parent)}.get(method))


def _multiprocessing() -> ModuleType | None:
    return sys.modules.get("multiprocessing.process")  # where it is not loaded, there are no workers
