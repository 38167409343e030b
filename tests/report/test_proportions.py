from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from cycletrace._internal.report.proportions import share, wilson


@given(st.integers(1, 5000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_the_interval_is_scipys(counts: tuple[int, int]) -> None:
    count, n = counts
    found = share(count, n)
    reference = binomtest(count, n).proportion_ci(0.95, method="wilson")
    assert found.value == count / n
    assert found.low == pytest.approx(reference.low, abs=1e-12)
    assert found.high == pytest.approx(reference.high, abs=1e-12)


def test_a_published_example() -> None:
    """Newcombe, Statistics in Medicine 17 (1998) 857-872, table I: 81 of 263 gives 0.2553 to 0.3662."""
    low, high = wilson(81 / 263, 263)
    assert (round(low, 4), round(high, 4)) == (0.2553, 0.3662)


def test_all_and_none_have_an_interval_too() -> None:
    assert share(0, 1).low == 0
    assert share(0, 1).high == pytest.approx(0.7935, abs=1e-4)
    assert share(3, 3).high == 1


def test_a_share_of_nothing_is_none() -> None:
    found = share(0, 0)
    assert (found.value, found.low, found.high) == (None, None, None)
