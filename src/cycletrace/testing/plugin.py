"""The fixtures, as pytest finds them. Loaded in every test run of whoever has cycletrace: it must cost nothing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from cycletrace.testing import FakeCollector, Journal


@pytest.fixture
def cycletrace_journal(tmp_path: Path) -> Iterator[Journal]:
    """What the test records: stages as whole trees, with a clock to set and sequential ids."""
    from cycletrace.testing import recording

    with recording(tmp_path / "cycletrace") as journal:
        yield journal


@pytest.fixture
def cycletrace_collector() -> Iterator[FakeCollector]:
    """An OTLP/HTTP server that keeps and counts what it gets, and misbehaves as told."""
    from cycletrace.testing import FakeCollector

    with FakeCollector() as collector:
        yield collector


def pytest_assertrepr_compare(op: str, left: object, right: object) -> list[str] | None:
    """Trees of stages that differ are shown stage by stage."""
    if op != "==" or not (isinstance(left, list) and isinstance(right, list)):
        return None
    from cycletrace.testing.tree import differences

    return differences(left, right)
