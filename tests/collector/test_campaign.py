"""The short form of ``scripts/crash_campaign.py``."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from tests.collector.campaign import run


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("gcc") is None, reason="a library that is preloaded has to be compiled")
def test_nothing_is_lost_doubled_or_changed_by_a_dozen_kills(tmp_path: Path) -> None:
    result = run(tmp_path, kills=12, seed=2)
    assert sum(result.faults.values()) == 12
    assert result.acknowledged > 0
    assert result.closed > 200
