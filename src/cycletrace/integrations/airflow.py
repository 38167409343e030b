"""Airflow: each try of a task is a stage, and how long it was queued are waits, of the cycle of its DAG run.

Airflow finds the plugin by itself. Tasks are recorded in their own processes, what only the database knows by the
scheduler when a DAG run ends.
"""

# pyright: reportMissingImports=false, reportUntypedBaseClass=false

from __future__ import annotations

import os
from typing import Any

from airflow.plugins_manager import AirflowPlugin
from pluggy import HookimplMarker

from cycletrace.integrations._active import harmless

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cycletrace.integrations._airflow_tasks import RunningTask

__all__ = ["CycletracePlugin"]

hookimpl = HookimplMarker("airflow")
WANTED_BY = ("CYCLETRACE_DIR", "CYCLETRACE_ENDPOINT")
"""Variables that say where records go. Airflow is recorded where one of them is set."""


class _Listener:
    """Follows the task of this process, and the DAG runs that end in it."""

    def __init__(self) -> None:
        self._task: RunningTask | None = None

    @harmless
    @hookimpl
    def on_task_instance_running(self, task_instance: Any) -> None:
        from cycletrace.integrations._airflow_tasks import RunningTask

        self._leave()  # a task that ``dag.test()`` ran here was deferred and has not ended
        self._task = RunningTask.enter(task_instance)

    @harmless
    @hookimpl
    def on_task_instance_success(self, task_instance: Any) -> None:
        self._end(task_instance, "success")

    @harmless
    @hookimpl
    def on_task_instance_failed(self, task_instance: Any) -> None:
        self._end(task_instance, "failed")

    @harmless
    @hookimpl
    def on_task_instance_skipped(self, task_instance: Any) -> None:
        self._end(task_instance, "skipped")

    @harmless
    @hookimpl
    def on_dag_run_success(self, dag_run: Any) -> None:
        from cycletrace.integrations._airflow_tasks import record_run

        record_run(dag_run)

    @harmless
    @hookimpl
    def on_dag_run_failed(self, dag_run: Any) -> None:
        from cycletrace.integrations._airflow_tasks import record_run

        record_run(dag_run)

    def _end(self, task_instance: Any, state: str) -> None:
        """End the task of this process. Other tasks end here if their process is gone, or a person says so."""
        if self._task is not None and self._task.is_of(task_instance):
            task = self._task
            self._leave()
            task.end(task_instance, state)

    def _leave(self) -> None:
        task, self._task = self._task, None
        if task is not None:
            task.leave()


class CycletracePlugin(AirflowPlugin):
    """What Airflow loads. It listens to nothing unless the environment says where records go."""

    name = "cycletrace"
    listeners = [_Listener()] if any(os.environ.get(variable) for variable in WANTED_BY) else []
