"""Task instances of Airflow as stages and waits."""

# pyright: reportMissingImports=false

from __future__ import annotations

import os
from contextlib import ExitStack
from datetime import datetime
from typing import Any, NamedTuple

from cycletrace import Snapshot, attach, environ
from cycletrace import conventions as c
from cycletrace._internal.api.instants import nanoseconds
from cycletrace._internal.kinds import kind_of
from cycletrace._internal.sdk import detached, past
from cycletrace._internal.sdk.cycles import CycleRef
from cycletrace._internal.sdk.job import Job
from cycletrace._internal.sdk.marks import write_short
from cycletrace._internal.sdk.runs import StageSpec, spec_of
from cycletrace._internal.sdk.runtime import Runtime, runtime
from cycletrace.integrations._airflow_names import OUTCOMES, SYSTEM, cycle_of, number_of

LAUNCH = "scheduler"
PASSED_ON = ("CYCLETRACE_CYCLE", "TRACEPARENT", "CYCLETRACE_LAUNCH")
"""What programs that a task starts read, to be parts of its stage."""


class RunningTask(NamedTuple):
    """The task that this process runs: stages that begin meanwhile, here or in programs it starts, are parts of it."""

    runtime: Runtime
    task: Task
    id: str
    """Airflow's own id of this try."""
    entered: ExitStack

    @classmethod
    def enter(cls, instance: Any) -> RunningTask | None:
        """Record that a task began. ``None`` if nothing is recorded."""
        before = {name: os.environ.get(name) for name in PASSED_ON}
        os.environ.setdefault("CYCLETRACE_LAUNCH", LAUNCH)  # before it is detected
        state = runtime()
        if state is None:
            return None
        task = Task.of(state, instance, instance.get_template_context()["dag_run"])
        detached.begin_stage(state, task.cycle, task.spec, task.stage_id, nanoseconds(instance.start_date))
        entered = ExitStack()
        entered.enter_context(attach(Snapshot(task.cycle.to_text(), task.stage_id)))
        entered.callback(_restore, before)
        inside = environ()
        os.environ.update({name: inside[name] for name in PASSED_ON})
        return cls(state, task, str(instance.id), entered)

    def is_of(self, instance: Any) -> bool:
        """Return whether this is the try that an instance is."""
        return self.id == str(instance.id)

    def leave(self) -> None:
        """Let what begins from now on be no part of it."""
        self.entered.close()

    def end(self, instance: Any, state: str) -> None:
        """Record that it ended. A task that skips itself is no stage."""
        if state in OUTCOMES:
            self.task.record(instance, OUTCOMES[state])
        else:
            write_short(self.runtime, self.task.cycle, c.RETRACT_SPAN, {c.RETRACTED: self.task.stage_id})


class Task(NamedTuple):
    """A try of a task as a stage of a cycle."""

    cycle: CycleRef
    job: Job
    spec: StageSpec

    @classmethod
    def of(cls, runtime: Runtime, instance: Any, dag_run: Any) -> Task:
        """Return a task instance, of either kind that Airflow has, as a stage."""
        name = cycle_of(instance.dag_id, instance.run_id, dag_run.run_type, dag_run.conf)
        cycle = CycleRef(
            name.key,
            namespace=runtime.settings.namespace,
            model=name.model,
            version=name.version,
            trigger=name.trigger,
        )
        number = number_of(instance.dag_id, instance.run_id, instance.task_id, instance.map_index)
        kind = kind_of(instance.task_id, ())
        spec = spec_of(instance.task_id, kind, None, instance.try_number, None, None)
        return cls(cycle, Job(SYSTEM, number, instance.try_number, None), spec)

    @property
    def stage_id(self) -> str:
        """The id of its stage."""
        return self.job.stage_id(self.cycle.cycle_id)

    def record(self, instance: Any, outcome: str) -> None:
        """Record its run. Doing so again changes nothing."""
        start, end = nanoseconds(instance.start_date), nanoseconds(instance.end_date)
        job = f"{SYSTEM}:{self.job.number}"
        past.record_stage(self.spec, start, end, outcome, cycle=self.cycle, attributes=None, launch=LAUNCH, job=job)

    def wait(
        self, runtime: Runtime, reason: str, start: datetime | None, end: datetime | None, stage: str | None = None
    ) -> None:
        """Record a wait, if there was one: the clocks of scheduler and worker may disagree."""
        if start is not None and end is not None and start < end:
            self.job.write_wait(runtime, self.cycle, reason, nanoseconds(start), nanoseconds(end), stage)


def record_run(dag_run: Any) -> None:
    """Record what the database knows of the tasks of a DAG run that ended, and their own processes did not.

    That is what each of them waited for, and how those ended whose process was killed.
    """
    from sqlalchemy.orm import object_session

    state, session = runtime(), object_session(dag_run)
    if state is None or session is None:  # ``dag.test()`` queues nothing, and has closed its session
        return
    answers = _answers(session, dag_run)
    for instance in (*dag_run.task_instances_histories, *dag_run.task_instances):
        if instance.state in OUTCOMES and instance.start_date is not None and instance.end_date is not None:
            task = Task.of(state, instance, dag_run)
            task.wait(state, "schedule", instance.scheduled_dttm, instance.queued_dttm)
            task.wait(state, "compute", instance.queued_dttm, instance.start_date)
            asked, answered = answers.get(instance.id, (None, None))
            task.wait(state, c.HUMAN, asked, answered, task.stage_id)
            if OUTCOMES[instance.state] == c.ERROR:
                task.record(instance, c.ERROR)


def _answers(session: Any, dag_run: Any) -> dict[Any, tuple[datetime, datetime | None]]:
    """Return when a person was asked something and answered, by the id of the task instance that did."""
    from airflow.models.hitl import HITLDetail
    from sqlalchemy import select

    ids = [instance.id for instance in dag_run.task_instances]
    known = select(HITLDetail.ti_id, HITLDetail.created_at, HITLDetail.responded_at).where(HITLDetail.ti_id.in_(ids))
    return {instance: (asked, answered) for instance, asked, answered in session.execute(known)}


def _restore(values: dict[str, str | None]) -> None:
    for name, value in values.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value
