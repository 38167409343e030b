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
SCHEDULER_VARIABLES = (
    "SLURM_JOB_ID",
    "PBS_JOBID",
    "LSB_JOBID",
    "AIRFLOW_CTX_DAG_ID",
    "DAGSTER_RUN_JOB_NAME",
    "PREFECT__FLOW_RUN_ID",
    "KUBERNETES_SERVICE_HOST",
    "AWS_BATCH_JOB_ID",
    "JOB_COMPLETION_INDEX",
    "INVOCATION_ID",  # systemd timers and services; cron sets no variable
)


def find(env: Mapping[str, str] | None = None) -> str:
    """Return how this process was started, one of :data:`~cycletrace.conventions.LAUNCHES`.

    A terminal takes precedence over the scheduler that provides it, as with ``srun --pty`` and ``kubectl exec``.
    """
    env = os.environ if env is None else env
    if "ipykernel" in sys.modules:
        return NOTEBOOK
    if any(env.get(variable, "").lower() not in {"", "false", "0"} for variable in CI_VARIABLES):
        return "ci"
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
