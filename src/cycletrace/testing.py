"""Tools to test pipelines that use cycletrace: trees of stages, and a collector that fails on demand.

pytest finds the fixtures ``cycletrace_journal`` and ``cycletrace_collector`` automatically. Everything here is loaded
on first use.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cycletrace._internal.testing.clock import Clock
    from cycletrace._internal.testing.collector import FakeCollector, Received, Reply
    from cycletrace._internal.testing.journal import Journal
    from cycletrace._internal.testing.recorder import recording
    from cycletrace._internal.testing.tree import Node

_HOMES = {
    "Clock": "clock",
    "FakeCollector": "collector",
    "Received": "collector",
    "Reply": "collector",
    "Journal": "journal",
    "recording": "recorder",
    "Node": "tree",
}

__all__ = ["Clock", "FakeCollector", "Journal", "Node", "Received", "Reply", "recording"]


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"cycletrace._internal.testing.{_HOMES[name]}"), name)
