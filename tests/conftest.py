"""What all tests share: Ctrl-C that interrupts, and real backends only where they are asked for."""

from __future__ import annotations

import signal

import pytest

MARKER = "backends"
LEFT_OUT = pytest.StashKey[int]()


def pytest_configure() -> None:
    """Let Ctrl-C mean what it means: run in the background, the tests, and all that they start, would ignore it."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what needs real backends, unless ``-m`` speaks of them."""
    if MARKER in str(config.option.markexpr):
        return
    left_out = [item for item in items if item.get_closest_marker(MARKER)]
    config.stash[LEFT_OUT] = len(left_out)
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if not item.get_closest_marker(MARKER)]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Say how to run what was left out."""
    count = config.stash.get(LEFT_OUT, 0)
    if count:
        terminalreporter.write_line(
            f"{count} tests need real backends and did not run: scripts/backends && pytest -m {MARKER}"
        )
