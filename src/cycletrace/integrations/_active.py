"""Whether there is something to record, and callbacks that never raise. Nothing is loaded before it is needed."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Container
from functools import wraps
from pathlib import Path
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")


def harmless(function: Callable[P, R]) -> Callable[P, R | None]:
    """Wrap a callback to log its exceptions, once each, and return ``None`` instead."""

    @wraps(function)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> R | None:
        try:
            return function(*args, **kwargs)
        except Exception as error:
            from cycletrace._internal.diagnostics import describe_error, let_pass, log_once

            let_pass(error)
            log_once(f"{function.__qualname__} failed, so something was not recorded: {describe_error(error)}")
            return None

    return wrapper


def is_active() -> bool:
    """Return whether what runs here belongs to a cycle. Where nothing hints at one, this takes microseconds."""
    if not (_is_recording() or "CYCLETRACE_CYCLE" in os.environ or _is_in_worktree()):
        return False
    from cycletrace import current_cycle

    return current_cycle() is not None


def _is_recording() -> bool:
    return "cycletrace._internal.sdk.runtime" in sys.modules


def _is_in_worktree() -> bool:
    try:
        here = Path.cwd()
    except OSError:  # it was removed, or may not be read
        return False
    return any(os.access(folder / ".cycletrace" / "cycle", os.F_OK) for folder in (here, *here.parents))  # never raises


def is_in_stage(besides: Container[str] = ()) -> bool:
    """Return whether what runs here is inside a stage, in this process or in one that started it.

    Stages with the ids ``besides`` do not count, unless this thread is inside one.
    """
    from cycletrace import current_cycle, current_stage
    from cycletrace.conventions import root_span_id

    cycle = current_cycle()
    if cycle is None or current_stage() is not None:
        return cycle is not None
    parts = os.environ.get("TRACEPARENT", "").split("-")
    is_of_cycle = len(parts) == 4 and parts[1] == cycle.trace_id and parts[2] != root_span_id(cycle.trace_id)
    return is_of_cycle and parts[2] not in besides


def is_part_of_stage(besides: Container[str] = ()) -> bool:
    """Return whether what runs here is part of a stage that says what it is: its kind is not ``other``.

    A stage of another process, or one that another thread began, counts whatever its kind, which is not known here. Of
    those, stages with the ids ``besides`` do not count.
    """
    from cycletrace._internal.sdk.current import CURRENT
    from cycletrace.conventions import OTHER

    here = CURRENT.get()
    run = None if here.cycle is None else here.run_of(here.cycle)
    if run is None:
        return is_in_stage(besides)
    while run is not None and run.spec.kind == OTHER:
        run = run.around.run_of(run.cycle)
    return run is not None
