"""The outcome of a stage, from the exception that ended it."""

from __future__ import annotations

import builtins
import sys

from cycletrace.conventions import ABANDONED, CANCELLED, ERROR, INTERRUPTED, OK, TIMEOUT

# Looked up, not imported: if one was raised, its module is loaded.
_ELSEWHERE = (
    ("asyncio.exceptions", "CancelledError", CANCELLED),
    ("concurrent.futures._base", "CancelledError", CANCELLED),
    ("asyncio.exceptions", "TimeoutError", TIMEOUT),
    ("concurrent.futures._base", "TimeoutError", TIMEOUT),
)
_GROUP: type[BaseException] | None = getattr(builtins, "BaseExceptionGroup", None)  # Python 3.11


def outcome_of(error: BaseException | None) -> str:
    """Return the outcome of a stage that ended with this exception, or without one.

    A group has the outcome that all its members share, or ``error`` if they differ.
    """
    if error is None:
        return OK
    if isinstance(error, KeyboardInterrupt):
        return INTERRUPTED
    if isinstance(error, SystemExit):
        return OK if error.code is None or error.code == 0 else ERROR
    if isinstance(error, GeneratorExit):
        return ABANDONED
    if isinstance(error, TimeoutError):
        return TIMEOUT
    for module, name, outcome in _ELSEWHERE:
        kind = getattr(sys.modules.get(module), name, None)
        if kind is not None and isinstance(error, kind):
            return outcome
    if _GROUP is not None and isinstance(error, _GROUP):
        members = {outcome_of(member) for member in error.exceptions}  # type: ignore[attr-defined]
        return members.pop() if len(members) == 1 else ERROR
    return ERROR
