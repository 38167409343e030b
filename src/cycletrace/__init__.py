"""Measure MLOps cycle time: how long it takes to get a model from idea to production.

Wrap the steps of your pipeline in stages, then run ``cycletrace report``::

    from cycletrace import stage

    @stage
    def train(): ...

:func:`facts` and :mod:`cycletrace.report` read what was recorded.

Everything here is loaded on first use.
"""

from __future__ import annotations

from cycletrace._version import __version__ as __version__

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cycletrace._internal.api.configure import configure as configure
    from cycletrace._internal.api.configure import environ as environ
    from cycletrace._internal.api.configure import flush as flush
    from cycletrace._internal.api.cycle import Cycle as Cycle
    from cycletrace._internal.api.cycle import current_cycle as current_cycle
    from cycletrace._internal.api.cycle import cycle as cycle
    from cycletrace._internal.api.cycle import mark as mark
    from cycletrace._internal.api.run import Run as Run
    from cycletrace._internal.api.run import current_stage as current_stage
    from cycletrace._internal.api.served import served as served
    from cycletrace._internal.api.snapshot import Snapshot as Snapshot
    from cycletrace._internal.api.snapshot import attach as attach
    from cycletrace._internal.api.snapshot import snapshot as snapshot
    from cycletrace._internal.api.stage import Stage as Stage
    from cycletrace._internal.api.stage import record_stage as record_stage
    from cycletrace._internal.api.stage import stage as stage
    from cycletrace._internal.api.waiting import Waiting as Waiting
    from cycletrace._internal.api.waiting import waiting as waiting
    from cycletrace._internal.flow.facts import Facts as Facts
    from cycletrace._internal.local import facts as facts
    from cycletrace._internal.store.errors import StoreError as StoreError

_HOMES = {
    "configure": "api.configure",
    "environ": "api.configure",
    "flush": "api.configure",
    "Cycle": "api.cycle",
    "current_cycle": "api.cycle",
    "cycle": "api.cycle",
    "mark": "api.cycle",
    "Run": "api.run",
    "current_stage": "api.run",
    "served": "api.served",
    "Snapshot": "api.snapshot",
    "attach": "api.snapshot",
    "snapshot": "api.snapshot",
    "Stage": "api.stage",
    "record_stage": "api.stage",
    "stage": "api.stage",
    "Waiting": "api.waiting",
    "waiting": "api.waiting",
    "Facts": "flow.facts",
    "facts": "local",
    "StoreError": "store.errors",
}

__all__ = [
    "Cycle",
    "Facts",
    "Run",
    "Snapshot",
    "Stage",
    "StoreError",
    "Waiting",
    "attach",
    "configure",
    "current_cycle",
    "current_stage",
    "cycle",
    "environ",
    "facts",
    "flush",
    "mark",
    "record_stage",
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

    value = getattr(import_module(f"cycletrace._internal.{home}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})
