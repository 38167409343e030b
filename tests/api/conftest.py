from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.blank import blank_environment

from cycletrace.testing import Journal, recording


@pytest.fixture
def journal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Journal]:
    """This process' stages, journaled in a directory of the test's own, from a blank environment."""
    for variable in os.environ.keys() - blank_environment().keys():
        monkeypatch.delenv(variable)
    with recording(tmp_path / "state") as journal:
        yield journal
