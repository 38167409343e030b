"""Simulated histories with a known truth: the intervals cover it as often as promised."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "coverage_of_intervals.py"


def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("coverage_of_intervals", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.slow
def test_every_interval_holds_its_promise() -> None:
    found = list(script().rows(200))
    assert len(found) > 50
    assert [row for row in found if not row.holds(200)] == []


def test_the_page_shows_what_the_script_simulates() -> None:
    page = (SCRIPT.parents[1] / "docs" / "statistics.md").read_text(encoding="utf-8")
    for row in script().rows(8):
        assert f"| {row.figure} | {row.of} | {row.n} | " in page
