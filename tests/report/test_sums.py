from __future__ import annotations

from fractions import Fraction

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from cycletrace._internal.report.sums import means, total

LENGTHS = st.lists(st.integers(0, 2**63 - 1), max_size=40)


@given(LENGTHS)
def test_sums_are_exact_beyond_64_bits(lengths: list[int]) -> None:
    assert total(np.array(lengths, dtype=np.int64)) == sum(lengths)


@given(st.lists(st.integers(-(2**62), 2**62), max_size=40))
def test_sums_of_negative_lengths_are_exact(lengths: list[int]) -> None:
    assert total(np.array(lengths, dtype=np.int64)) == sum(lengths)


@given(st.lists(st.integers(0, 10**20), min_size=1, max_size=10), st.integers(1, 10**6))
def test_means_add_up_to_the_rounded_mean_and_none_is_off_by_a_nanosecond(totals: list[int], n: int) -> None:
    found = means(totals, n)
    assert sum(found) == round(Fraction(sum(totals), n))
    assert all(abs(value - Fraction(one, n)) < 1 for value, one in zip(found, totals, strict=True))


def test_means_over_nothing_are_0_and_halves_round_to_even() -> None:
    assert means([3, 4], 0) == [0, 0]
    assert means([3], 2) == [2]
    assert means([5], 2) == [2]
