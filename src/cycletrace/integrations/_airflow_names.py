"""What a task of Airflow and its cycle are called, live and imported."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from cycletrace import conventions as c

SYSTEM = "airflow"
CONF = "cycletrace_cycle"
"""The field of a run's conf with the key of its cycle."""
OUTCOMES = {"success": c.OK, "failed": c.ERROR}
"""By state of a try that has ended. A task that was skipped is no stage."""


class CycleName(NamedTuple):
    """The cycle that a DAG run belongs to."""

    key: str
    model: str
    version: str | None
    trigger: str | None


def cycle_of(dag_id: str, run_id: str, run_type: str, conf: Mapping[str, Any] | None) -> CycleName:
    """Return the cycle of a DAG run: that in its conf, else one of its own."""
    key = str((conf or {}).get(CONF) or f"{dag_id}@{run_id}")
    model, _, version = key.rpartition("@")
    return CycleName(key, model or dag_id, version if model else None, "schedule" if run_type == "scheduled" else None)


def number_of(dag_id: str, run_id: str, task_id: str, map_index: int | None) -> str:
    """Return how a task instance is numbered. Its tries have the same number."""
    number = f"{dag_id}/{run_id}/{task_id}"
    return number if map_index is None or map_index < 0 else f"{number}/{map_index}"
