"""Every way a process starts and ends, against every state of the endpoint: nothing is lost, and nothing is changed."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest
from tests.sdk.matrix import ENDINGS, ENDPOINTS, STARTS, Done, check, run


@pytest.fixture(scope="module")
def without(tmp_path_factory: pytest.TempPathFactory) -> object:
    @cache
    def run_without(start: str, ending: str) -> Done:
        return run(start, ending, tmp_path_factory.mktemp("without") / "state", is_with=False)

    return run_without


# All pairs of values: each start with each ending, and a Latin square of the endpoints over both.
# The fast tests are two of its diagonals, in which each value is.
CELLS = [
    (start, ending, ENDPOINTS[(row + column) % len(ENDPOINTS)])
    for row, start in enumerate(STARTS)
    for column, ending in enumerate(ENDINGS)
]
FAST = [CELLS[8 * row + (row + off) % 8] for row in range(8) for off in (0, 1)]


def test_the_cells_cover_all_pairs() -> None:
    pairs = {(a, b) for cell in CELLS for i, a in enumerate(cell) for b in cell[i + 1 :]}
    assert len(pairs) == 3 * 8 * 8
    assert [len(values) for values in map(set, zip(*FAST, strict=True))] == [8, 8, 8]


@pytest.mark.parametrize(
    ("start", "ending", "state"),
    [pytest.param(*cell, id="-".join(cell), marks=() if cell in FAST else pytest.mark.slow) for cell in CELLS],
)
def test_nothing_is_lost_or_changed(start: str, ending: str, state: str, tmp_path: Path, without: object) -> None:
    check(start, ending, state, tmp_path, without)  # type: ignore[arg-type]
