from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.postgres import Server

from cycletrace._internal.store import FILE, Location, Store, open_store


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run what is not about a file with each database."""
    if "store" in metafunc.fixturenames:
        others = [] if "path" in metafunc.fixturenames else [pytest.param("postgres", marks=pytest.mark.postgres)]
        metafunc.parametrize("store", ["sqlite", *others], indirect=True)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / FILE


@pytest.fixture
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    location: Location
    if request.param == "sqlite":
        location = tmp_path / "state" / FILE
    else:
        server: Server = request.getfixturevalue("postgres")
        location = server.database()
    with open_store(location) as opened:
        yield opened
