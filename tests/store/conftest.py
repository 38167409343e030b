from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from cycletrace._internal.store import FILE, Store, open_store


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / FILE


@pytest.fixture
def store(path: Path) -> Iterator[Store]:
    with open_store(path) as opened:
        yield opened
