from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.journals import Journal, journal_here


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    """This process' stages, journaled in a directory of the test's own."""
    with journal_here(tmp_path / "state") as journal:
        yield journal
