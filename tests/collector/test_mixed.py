"""The short form of ``scripts/mixed_load.py``."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.collector.mixed import run


@pytest.mark.slow
def test_mixed_load_beside_faults_leaves_what_a_run_without_faults_would(tmp_path: Path) -> None:
    """Facts, counters and what was forwarded are right, and memory does not grow."""
    result = run(tmp_path, seconds=60, seed=3)
    assert sum(result.faults.values()) > 3
    assert result.damaged > 100
    assert result.cycles > 100
