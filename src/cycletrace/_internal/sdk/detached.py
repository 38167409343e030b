"""Stages and waits that are begun and ended by separate commands, perhaps on separate machines.

A begin is a short span, so that traces alone keep it. They have no lease: between the two commands no process can send
heartbeats. An end that knows its begin is the run or the wait itself; one that does not is a short span, and readers
find the begin that it ends.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from cycletrace import conventions as c
from cycletrace._internal.sdk.cycles import clean
from cycletrace._internal.sdk.marks import write_short
from cycletrace._internal.sdk.runs import stage_attributes

if TYPE_CHECKING:
    from cycletrace._internal.sdk.cycles import CycleRef
    from cycletrace._internal.sdk.runs import StageSpec
    from cycletrace._internal.sdk.runtime import Runtime


def begin_stage(runtime: Runtime, cycle: CycleRef, spec: StageSpec, stage: str, at: int | None) -> None:
    """Record that a stage with this id began, now or at an instant (UTC nanoseconds)."""
    parent = runtime.enclosing_stage(cycle)
    attributes = stage_attributes(runtime, cycle, spec)
    attributes = {c.STAGE_BEGUN: attributes.pop(c.STAGE_NAME), c.STAGE_ID: stage, **attributes}
    if parent is not None:
        attributes[c.STAGE_PARENT] = parent
    write_short(runtime, cycle, c.begin_span(spec.name), attributes, at, parent)
    if spec.kind == c.TRAIN:
        runtime.begin_training(cycle)


def finish_stage(
    runtime: Runtime,
    cycle: CycleRef,
    name: str,
    attributes: Mapping[str, Any],
    start: int,
    outcome: str,
    at: int | None,
) -> None:
    """Record the run of a stage whose begin, with these attributes, is known."""
    end = runtime.source.now() if at is None else at
    whole = {c.STAGE_NAME: name, **attributes, **_result(outcome)}
    parent = attributes.get(c.STAGE_PARENT)
    runtime.write_span(cycle, name, attributes[c.STAGE_ID], start, end, whole, parent, whole.get(c.ERROR_TYPE))


def end_stage(
    runtime: Runtime,
    cycle: CycleRef,
    name: str,
    outcome: str,
    at: int | None,
    *,
    attempt: int | None,
    environment: str | None,
    mechanism: str | None,
) -> None:
    """Record that a stage ended whose begin is not known here."""
    given = {
        c.STAGE_ATTEMPT: attempt,
        c.ENVIRONMENT: clean(environment) if environment else None,
        c.MECHANISM: mechanism,
    }
    stated = {key: value for key, value in given.items() if value is not None}
    attributes: dict[str, Any] = {c.STAGE_ENDED: clean(name), **stated, **_result(outcome)}
    write_short(runtime, cycle, c.end_span(clean(name)), attributes, at, error=attributes.get(c.ERROR_TYPE))


def _result(outcome: str) -> dict[str, Any]:
    error = {c.ERROR_TYPE: outcome} if outcome in c.ERROR_OUTCOMES else {}
    return {c.STAGE_OUTCOME: outcome, **error}


def begin_wait(runtime: Runtime, cycle: CycleRef, reason: str, stage: str | None, at: int | None) -> None:
    """Record that a wait began. The id of its span is its own."""
    attributes = {c.WAIT_BEGUN: reason, **_of_stage(stage)}
    write_short(runtime, cycle, c.begin_span(reason), attributes, at, stage)


def finish_wait(
    runtime: Runtime, cycle: CycleRef, reason: str, wait: str, stage: str | None, start: int, at: int | None
) -> None:
    """Record a wait whose begin is known. Its span has an id of its own, since that of the wait is the begin's."""
    end = runtime.source.now() if at is None else at
    attributes = {c.WAIT_ID: wait, c.WAIT_REASON: reason, **_of_stage(stage)}
    runtime.write_span(cycle, c.wait_span(reason), runtime.source.new_id(), start, end, attributes, stage)


def end_wait(runtime: Runtime, cycle: CycleRef, reason: str, at: int | None) -> None:
    """Record that a wait ended whose begin is not known here."""
    write_short(runtime, cycle, c.end_span(reason), {c.WAIT_ENDED: reason}, at)


def _of_stage(stage: str | None) -> dict[str, str]:
    return {} if stage is None else {c.STAGE_ID: stage}
