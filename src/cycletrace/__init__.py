"""Measure MLOps cycle time: how long it takes to get a model from idea to production.

Wrap the steps of your pipeline in stages, then run ``cycletrace report``::

    from cycletrace import stage

    @stage
    def train(): ...

Everything here is loaded on first use.
"""

from __future__ import annotations

from cycletrace._version import __version__ as __version__

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cycletrace._api.configure import configure as configure
    from cycletrace._api.configure import environ as environ
    from cycletrace._api.configure import flush as flush
    from cycletrace._api.cycle import Cycle as Cycle
    from cycletrace._api.cycle import current_cycle as current_cycle
    from cycletrace._api.cycle import cycle as cycle
    from cycletrace._api.cycle import mark as mark
    from cycletrace._api.run import Run as Run
    from cycletrace._api.run import current_stage as current_stage
    from cycletrace._api.served import served as served
    from cycletrace._api.snapshot import Snapshot as Snapshot
    from cycletrace._api.snapshot import attach as attach
    from cycletrace._api.snapshot import snapshot as snapshot
    from cycletrace._api.stage import Stage as Stage
    from cycletrace._api.stage import stage as stage
    from cycletrace._api.waiting import Waiting as Waiting
    from cycletrace._api.waiting import waiting as waiting

_HOMES = {
    "configure": "configure",
    "environ": "configure",
    "flush": "configure",
    "Cycle": "cycle",
    "current_cycle": "cycle",
    "cycle": "cycle",
    "mark": "cycle",
    "Run": "run",
    "current_stage": "run",
    "served": "served",
    "Snapshot": "snapshot",
    "attach": "snapshot",
    "snapshot": "snapshot",
    "Stage": "stage",
    "stage": "stage",
    "Waiting": "waiting",
    "waiting": "waiting",
}

__all__ = [
    "Cycle",
    "Run",
    "Snapshot",
    "Stage",
    "Waiting",
    "attach",
    "configure",
    "current_cycle",
    "current_stage",
    "cycle",
    "environ",
    "flush",
    "mark",
    "served",
    "snapshot",
    "stage",
    "waiting",
]


def __getattr__(name: str) -> object:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'cycletrace' has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(f"cycletrace._api.{home}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})
