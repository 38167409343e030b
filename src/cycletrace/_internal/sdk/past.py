"""Stages that ran earlier, and are recorded afterwards."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from cycletrace import conventions as c
from cycletrace._internal.diagnostics import never_raise
from cycletrace._internal.sdk.attributes import plain_mapping
from cycletrace._internal.sdk.detached import finish_stage
from cycletrace._internal.sdk.runs import stage_attributes
from cycletrace._internal.sdk.runtime import runtime

if TYPE_CHECKING:
    from cycletrace._internal.sdk.cycles import CycleRef
    from cycletrace._internal.sdk.runs import StageSpec


@never_raise
def record_stage(
    spec: StageSpec,
    start: int,
    end: int,
    outcome: str,
    *,
    cycle: CycleRef | None,
    attributes: Mapping[str, Any] | None,
    launch: str | None,
    job: str | None,
) -> None:
    """Record a run from start to end (UTC nanoseconds) of this cycle, else of the current one.

    ``job`` is ``SYSTEM:ID``: what numbers the run elsewhere, and its number there.
    """
    state = runtime()
    if state is None or (state.records_errors_only and outcome not in c.ERROR_OUTCOMES):
        return
    cycle = cycle or state.here_cycle()
    if job is None:
        stage = state.source.new_id()
    else:
        system, _, number = job.partition(":")
        stage = c.job_stage_id(cycle.cycle_id, system, number, spec.attempt or 1)
    users = {name: value for name, value in (attributes or {}).items() if not name.startswith(c.PREFIX)}
    # How this process runs says nothing about how that one did.
    ours = {**stage_attributes(state, cycle, spec), c.STAGE_ID: stage, c.STAGE_LAUNCH: launch or c.OTHER}
    finish_stage(state, cycle, spec.name, {**plain_mapping(users), **ours}, start, outcome, end)
