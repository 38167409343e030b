"""Integrations in programs without a line of cycletrace: each begins when its framework was imported.

``cycletrace run --auto`` puts the folder ``_startup`` on ``PYTHONPATH``, whose ``sitecustomize`` calls
:func:`follow_imports` at the start of each Python.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Any

from cycletrace.integrations._active import harmless
from cycletrace.integrations._wrappers import wraps_uncounted

STARTUP = str(Path(__file__).parent / "_startup")
INTEGRATIONS = {
    "keras": "keras",
    "lightgbm": "lightgbm",
    "mlflow": "mlflow",
    "sklearn": "sklearn",
    "transformers.trainer": "transformers",  # transformers itself imports it, and torch with it, where it is used
    "xgboost": "xgboost",
}
"""Which integration begins after the import of a module."""


def python_path(env: Mapping[str, str]) -> str:
    """Return the ``PYTHONPATH`` with which the Python programs that are started in an environment record."""
    given = env.get("PYTHONPATH", "")
    if STARTUP in given.split(os.pathsep):
        return given
    return os.pathsep.join((STARTUP, given)) if given else STARTUP


@harmless
def follow_imports() -> None:
    """Install each integration when its framework was imported, or now if it already is."""
    sys.meta_path.insert(0, _Finder())
    for module in INTEGRATIONS:
        if module in sys.modules:
            _install(module)


class _Finder:
    """Finds frameworks where the finders after it do, and installs their integrations after the import."""

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return how to import a framework; ``None`` for anything else."""
        if name not in INTEGRATIONS:
            return None
        for finder in sys.meta_path:
            find = None if finder is self else getattr(finder, "find_spec", None)  # old finders have none
            spec: ModuleSpec | None = None if find is None else find(name, path, target)
            if spec is not None:
                _install_after(spec)
                return spec
        return None


@harmless
def _install_after(spec: ModuleSpec) -> None:
    loader: Any = spec.loader
    execute = loader.exec_module

    @wraps_uncounted(execute)
    def execute_and_install(module: ModuleType) -> None:
        execute(module)
        if module.__name__ == spec.name:  # loaders of archives load many modules
            _install(spec.name)

    loader.exec_module = execute_and_install


@harmless
def _install(module: str) -> None:
    import_module(f"cycletrace.integrations.{INTEGRATIONS[module]}").install()
