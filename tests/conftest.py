"""What all tests share: Ctrl-C that interrupts, and slow tests and real backends only where they are asked for."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from tests.postgres import Server

# A tenth of the examples finds most of what a change breaks; CI sets TESTS_PROFILE=ci. See tests/sizes.py.
settings.register_profile("fast", max_examples=10, deadline=None)
settings.register_profile("ci", max_examples=100, deadline=None)
settings.load_profile(os.environ.get("TESTS_PROFILE", "fast"))

ON_DEMAND = {
    "slow": 'pytest -n0 -m "slow and not backends"',
    "backends": "scripts/backends && pytest -n0 -m backends",
    "browser": "apt-get install chromium && pytest -n0 -m browser",
    "integrations": "scripts/integrations",
    "postgres": "apt-get install postgresql && pytest -n0 -m postgres",
}
"""Markers whose tests run on demand only, and how to run them."""
LEFT_OUT = pytest.StashKey[dict[str, int]]()
IN_REPORT = "left_out"


def pytest_configure(config: pytest.Config) -> None:
    """Let Ctrl-C mean what it means: run in the background, the tests, and all that they start, would ignore it."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    config.stash[LEFT_OUT] = {}
    keep_bytecode(config.rootpath / ".pytest_cache" / "bytecode")


def keep_bytecode(folder: Path) -> None:
    """If Python must not write bytecode, write it to a folder of ours: tests start hundreds of processes."""
    if sys.dont_write_bytecode:
        os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
        os.environ["PYTHONPYCACHEPREFIX"] = sys.pycache_prefix = str(folder)
        sys.dont_write_bytecode = False


@pytest.hookimpl(optionalhook=True, tryfirst=True)
def pytest_xdist_auto_num_workers() -> int | None:
    """Take two workers more than there are cores: much of the time is spent waiting for other processes."""
    if "PYTEST_XDIST_AUTO_NUM_WORKERS" in os.environ:
        return None
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return cores + 2


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Without ``-m``, leave out what runs on demand. With it, leave out only backends, unless it names them."""
    expression = str(config.option.markexpr)
    markers = [name for name in ON_DEMAND if name not in expression and (name == "backends" or not expression)]
    left_out: list[pytest.Item] = []
    kept: list[pytest.Item] = []
    for item in items:
        marker = next((name for name in reversed(markers) if item.get_closest_marker(name)), None)
        if marker is None:
            kept.append(item)
        else:
            left_out.append(item)
            counts = config.stash[LEFT_OUT]
            counts[marker] = counts.get(marker, 0) + 1
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = kept


def pytest_sessionfinish(session: pytest.Session) -> None:
    """In a worker of pytest-xdist, report to the main process, which collects nothing itself, what was left out."""
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput[IN_REPORT] = session.config.stash[LEFT_OUT]


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Every worker collects every test, so any worker's counts are everybody's. One that crashed has none."""
    counts = getattr(node, "workeroutput", {}).get(IN_REPORT)
    if counts is not None:
        node.config.stash[LEFT_OUT] = counts


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Print how to run what was left out."""
    for marker, count in config.stash[LEFT_OUT].items():
        terminalreporter.write_line(f"not run: {count} marked {marker}; to run them: {ON_DEMAND[marker]}")


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    """A PostgreSQL server, which asks no disk: databases of tests need not survive the machine."""
    from tests.postgres import Server

    server = Server("fsync=off")
    yield server
    server.stop()
