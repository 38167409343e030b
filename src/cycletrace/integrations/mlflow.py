"""MLflow: runs and registered versions become keys of the cycle, and moving an alias its activation.

MLflow finds the provider by itself: a run that starts where a cycle is active carries the cycle in a tag, so that
whoever moves the alias of its model weeks later, elsewhere, continues that cycle. A program that starts no run calls
:func:`install` first.
"""

# pyright: reportMissingImports=false, reportUntypedBaseClass=false

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import mlflow.tracking  # before the next line, since MLflow loads the same module as its provider

from cycletrace import Snapshot, attach, current_cycle, stage
from cycletrace.integrations._active import harmless, is_active
from cycletrace.integrations._mlflow_context import CycletraceRunContext
from cycletrace.integrations._mlflow_keys import TAG, run_key, version_key
from cycletrace.integrations._wrappers import wraps_uncounted

__all__ = ["TAG", "CycletraceRunContext", "install"]

IN_USE = frozenset({"champion", "current", "live", "prod", "production"})
"""Aliases, lower case, that say what production uses. Any other is the environment that its version is activated in."""
_is_installed = False
_NO_ACTIVATION = frozenset({"none", "archived"})
"""Stages, lower case, that take a version out of use."""


def install() -> None:
    """Record what this program does with runs and registered models. Doing it again changes nothing."""
    global _is_installed
    if not _is_installed:
        _is_installed = True
        client = mlflow.tracking.MlflowClient
        _follow(client, "create_run", _run_created)
        _follow(client, "_create_model_version", _version_created)
        _enclose(client, "set_registered_model_alias", _alias_moves)
        _enclose(client, "transition_model_version_stage", _stage_changes)


def _follow(owner: Any, name: str, then: Callable[[Any, Any], None]) -> None:
    """Have a method's result handed over when it returned."""
    method = getattr(owner, name)

    @wraps_uncounted(method)
    def wrapper(self: Any, *args: Any, **kwargs: Any) -> Any:
        result = method(self, *args, **kwargs)
        then(self, result)
        return result

    setattr(owner, name, wrapper)


def _enclose(owner: Any, name: str, activation: Callable[..., Any]) -> None:
    """Have a method run in what this returns for its arguments."""
    method = getattr(owner, name)

    @wraps_uncounted(method)
    def wrapper(self: Any, *args: Any, **kwargs: Any) -> Any:
        found = activation(self, *args, **kwargs)
        if found is None:
            return method(self, *args, **kwargs)
        cycle, activated = found
        with cycle, activated:
            return method(self, *args, **kwargs)

    setattr(owner, name, wrapper)


@harmless
def _run_created(_: Any, run: Any) -> None:
    cycle = current_cycle()
    if cycle is not None:
        cycle.alias(run_key(run.info.run_id))


@harmless
def _version_created(client: Any, version: Any) -> None:
    cycle = _cycle_of(client, version)
    if cycle is not None:
        with cycle:
            here = current_cycle()
            if here is not None:
                here.alias(version_key(version.name, version.version))


@harmless
def _alias_moves(client: Any, name: str, alias: str, version: str) -> Any:
    return _activation(client, name, version, None if alias.lower() in IN_USE else alias)


@harmless
def _stage_changes(client: Any, name: str, version: str, stage: str, *_: Any, **__: Any) -> Any:
    return None if stage.lower() in _NO_ACTIVATION else _activation(client, name, version, stage.lower())


def _activation(client: Any, name: str, version: str, environment: str | None) -> Any:
    cycle = _cycle_of(client, client.get_model_version(name, str(version)))
    return cycle and (cycle, stage("activate", mechanism="alias", environment=environment))


def _cycle_of(client: Any, version: Any) -> Any:
    """Return a block in the cycle that made a version, else in the one that is active; ``None`` if there is none."""
    tag = client.get_run(version.run_id).data.tags.get(TAG) if version.run_id else None
    if tag is not None:
        return attach(Snapshot(tag, None))
    return nullcontext() if is_active() else None
