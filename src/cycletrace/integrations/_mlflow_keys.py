"""The names by which MLflow's runs and versions belong to a cycle, live and imported."""

from __future__ import annotations

TAG = "cycletrace.cycle"
"""The tag of a run with its cycle, in the format of ``CYCLETRACE_CYCLE``."""


def run_key(run_id: str) -> str:
    """Return the key that a cycle has by one of its runs."""
    return f"mlflow:{run_id}"


def version_key(model: str, version: str) -> str:
    """Return the key that a cycle has by a version that was registered from it."""
    return f"mlflow:{model}/{version}"
