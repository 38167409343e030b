"""Detection of how this process was started."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping

from cycletrace._internal.diagnostics import let_pass
from cycletrace.conventions import NOTEBOOK, OTHER, TERMINAL

CI_VARIABLES = (
    "CI",
    "GITHUB_ACTIONS",
    "GITLAB_CI",
    "JENKINS_URL",
    "BUILDKITE",
    "TEAMCITY_VERSION",
    "TF_BUILD",
    "CODEBUILD_BUILD_ID",
)
TASK_VARIABLES = (
    "AIRFLOW_CTX_DAG_ID",
    "DAGSTER_RUN_JOB_NAME",
    "PREFECT__FLOW_RUN_ID",
    "AWS_BATCH_JOB_ID",
    "JOB_COMPLETION_INDEX",
)
"""Set by schedulers that run a task, so that a notebook under them is run by no person."""
PLACE_VARIABLES = (
    "SLURM_JOB_ID",
    "PBS_JOBID",
    "LSB_JOBID",
    "KUBERNETES_SERVICE_HOST",
    "INVOCATION_ID",  # systemd timers and services; cron sets no variable
)
"""Set by schedulers that also run servers of notebooks and shells, which people work in."""
SCHEDULER_VARIABLES = (*TASK_VARIABLES, *PLACE_VARIABLES)


def find(env: Mapping[str, str] | None = None) -> str:
    """Return how this process was started, one of :data:`~cycletrace.conventions.LAUNCHES`.

    A terminal or notebook takes precedence over the scheduler that provides it, as with ``srun --pty``, ``kubectl
    exec`` and JupyterHub, but not over CI or the task that executes the notebook, as papermill does.
    """
    env = os.environ if env is None else env
    if any(env.get(variable, "").lower() not in {"", "false", "0"} for variable in CI_VARIABLES):
        return "ci"
    if "ipykernel" in sys.modules:
        return "scheduler" if any(env.get(variable) for variable in TASK_VARIABLES) else NOTEBOOK
    if any(_is_terminal(stream) for stream in (sys.stdin, sys.stdout, sys.stderr)):
        return TERMINAL
    if any(env.get(variable) for variable in SCHEDULER_VARIABLES):
        return "scheduler"
    return OTHER


def _is_terminal(stream: object) -> bool:
    try:
        return bool(stream.isatty())  # type: ignore[attr-defined]  # the program may have replaced it
    except Exception as error:
        let_pass(error)
        return False
