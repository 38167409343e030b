"""Tools to test pipelines that use cycletrace: trees of stages, and a collector that fails on demand.

pytest finds the fixtures ``cycletrace_journal`` and ``cycletrace_collector`` automatically. Everything here is loaded
on first use.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cycletrace.testing.clock import Clock as Clock
    from cycletrace.testing.collector import FakeCollector as FakeCollector
    from cycletrace.testing.collector import Received as Received
    from cycletrace.testing.collector import Reply as Reply
    from cycletrace.testing.journal import Journal as Journal
    from cycletrace.testing.recorder import recording as recording
    from cycletrace.testing.tree import Node as Node

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
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
