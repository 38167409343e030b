"""What MLflow loads as the provider of tags: a module of its own, so that it can be loaded while MLflow is."""

# pyright: reportMissingImports=false, reportUntypedBaseClass=false

from __future__ import annotations

from mlflow.tracking.context.abstract_context import RunContextProvider

from cycletrace import snapshot
from cycletrace.integrations._active import harmless, is_active
from cycletrace.integrations._mlflow_keys import TAG


class CycletraceRunContext(RunContextProvider):
    """Tags each run that starts in a cycle with that cycle."""

    def in_context(self) -> bool:
        """Return whether a cycle is active."""
        return bool(_is_in_cycle())

    def tags(self) -> dict[str, str]:
        """Return the tag, and record from now on what happens to runs and models."""
        return _tags() or {}


@harmless
def _is_in_cycle() -> bool:
    return is_active()


@harmless
def _tags() -> dict[str, str]:
    from cycletrace.integrations.mlflow import install

    install()
    cycle = snapshot().cycle
    return {} if cycle is None else {TAG: cycle}
