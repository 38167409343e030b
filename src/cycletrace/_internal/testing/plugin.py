"""The pytest plugin with the fixtures. It is loaded in every test run, so it must import quickly."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from cycletrace.testing import FakeCollector, Journal


@pytest.fixture
def cycletrace_journal(tmp_path: Path) -> Iterator[Journal]:
    """Record the test's stages, with a settable clock and sequential ids, and provide them as trees."""
    from cycletrace.testing import recording

    with recording(tmp_path / "cycletrace") as journal:
        yield journal


@pytest.fixture
def cycletrace_collector() -> Iterator[FakeCollector]:
    """Provide an OTLP/HTTP server that stores requests and fails on demand."""
    from cycletrace.testing import FakeCollector

    with FakeCollector() as collector:
        yield collector


def pytest_assertrepr_compare(op: str, left: object, right: object) -> list[str] | None:
    """Show the differences between trees of stages, stage by stage."""
    if op != "==" or not (isinstance(left, list) and isinstance(right, list)):
        return None
    from cycletrace._internal.testing.tree import differences

    return differences(left, right)
