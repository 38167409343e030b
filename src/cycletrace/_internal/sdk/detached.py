"""Stages and waits that are begun and ended by separate commands, perhaps on separate machines.

Their ids are computed from their properties, so repeating a command is harmless. They have no lease: between the two
commands no process can send heartbeats.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cycletrace import conventions as c
from cycletrace._internal.sdk.runs import stage_attributes

if TYPE_CHECKING:
    from cycletrace._internal.sdk.cycles import CycleRef
    from cycletrace._internal.sdk.runs import StageSpec
    from cycletrace._internal.sdk.runtime import Runtime


def begin_stage(runtime: Runtime, cycle: CycleRef, spec: StageSpec, stage: str, at: int | None) -> None:
    """Record that a stage began, now or at an instant (UTC nanoseconds)."""
    _write_event(
        runtime, cycle, c.STAGE_STARTED, stage, at, {c.STAGE_ID: stage, **stage_attributes(runtime, cycle, spec)}
    )


def end_stage(
    runtime: Runtime, cycle: CycleRef, spec: StageSpec, stage: str, start: int, outcome: str, at: int | None
) -> None:
    """Record that a stage, begun at an instant, ended."""
    attributes = {c.STAGE_ID: stage, **stage_attributes(runtime, cycle, spec), c.STAGE_OUTCOME: outcome}
    end = runtime.source.now() if at is None else at
    error = outcome if outcome in c.ERROR_OUTCOMES else None
    if error is not None:
        attributes[c.ERROR_TYPE] = error
    runtime.write_span(cycle, spec.name, stage, start, end, attributes, error=error)


def begin_wait(runtime: Runtime, cycle: CycleRef, reason: str, wait: str, stage: str | None, at: int | None) -> None:
    """Record that a wait began."""
    _write_event(runtime, cycle, c.WAIT_OPENED, wait, at, _wait_attributes(reason, wait, stage))


def end_wait(
    runtime: Runtime, cycle: CycleRef, reason: str, wait: str, stage: str | None, start: int, at: int | None
) -> None:
    """Record that a wait, begun at an instant, ended."""
    end = runtime.source.now() if at is None else at
    attributes = _wait_attributes(reason, wait, stage)
    runtime.write_span(cycle, c.wait_span(reason), wait, start, end, attributes, stage)


def _wait_attributes(reason: str, wait: str, stage: str | None) -> dict[str, Any]:
    own = {} if stage is None else {c.STAGE_ID: stage}
    return {c.WAIT_ID: wait, c.WAIT_REASON: reason, **own}


def _write_event(
    runtime: Runtime, cycle: CycleRef, event: str, span_id: str, at: int | None, attributes: dict[str, Any]
) -> None:
    runtime.write_event(cycle, event, span_id, runtime.source.now() if at is None else at, attributes)
