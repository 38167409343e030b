"""Where the running code is: in which cycle, in which stage."""

from __future__ import annotations

from contextvars import ContextVar
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from cycletrace.emit.cycles import Identity
    from cycletrace.emit.runs import Run


class Here(NamedTuple):
    """The innermost cycle and the innermost run of a stage, where there are any."""

    cycle: Identity | None = None
    run: Run | None = None


NOWHERE = Here()
HERE: ContextVar[Here] = ContextVar("cycletrace", default=NOWHERE)
