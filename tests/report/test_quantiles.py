from __future__ import annotations

import random
from fractions import Fraction
from itertools import accumulate
from math import comb

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special, stats
from tests.sizes import sized

from cycletrace._internal.report.quantiles import P50, P85, P95, _binomial_below, interval_ranks, n_needed, quantile
from cycletrace._internal.report.sums import Int64s

QUANTILES = st.sampled_from([P50, P85, P95])


def lengths_of(values: list[int]) -> Int64s:
    return np.array(values, dtype=np.int64)


@given(st.lists(st.integers(0, 2**40), min_size=1, max_size=60), QUANTILES)
def test_the_quantile_equals_numpys_median_unbiased(values: list[int], p: Fraction) -> None:
    found = quantile(lengths_of(values), p).value_ns
    assert found == pytest.approx(np.quantile(values, float(p), method="median_unbiased"), abs=0.51)


@given(st.lists(st.integers(0, 2**40), min_size=1, max_size=60), QUANTILES)
def test_the_quantile_equals_scipys_with_a_third_and_a_third(values: list[int], p: Fraction) -> None:
    found = quantile(lengths_of(values), p).value_ns
    assert found == pytest.approx(stats.mstats.mquantiles(values, float(p), alphap=1 / 3, betap=1 / 3)[0], abs=0.51)


def test_worked_by_hand() -> None:
    """n = 10, p = 0.85: rank 10.333 x 0.85 + 0.333 = 9.1166, a ninth and 0.11667 of the way to the tenth."""
    values = lengths_of([100, 200, 300, 400, 500, 600, 700, 800, 900, 1900])
    assert quantile(values, P85).value_ns == round(900 + Fraction(7, 60) * 1000) == 1017
    assert quantile(values, P50).value_ns == 550


def test_a_quantile_is_exact_beyond_the_precision_of_floats() -> None:
    big = 2**61
    assert quantile(lengths_of([big + 1, big + 3])).value_ns == big + 2


@pytest.mark.parametrize(("p", "needed"), [(P50, 6), (P85, 19), (P95, 59)])
def test_below_the_n_needed_there_is_no_interval(p: Fraction, needed: int) -> None:
    assert n_needed(p) == needed
    below, enough = quantile(np.arange(needed - 1), p), quantile(np.arange(needed), p)
    assert (below.low_ns, below.high_ns, below.n, below.n_needed) == (None, None, needed - 1, needed)
    assert below.value_ns is not None
    assert enough.low_ns is not None
    assert enough.high_ns == needed - 1


@pytest.mark.parametrize(
    ("n", "ranks"),
    # D. B. Owen, Handbook of Statistical Tables (1962): ranks for the median at 95 %.
    [(6, (1, 6)), (8, (1, 7)), (10, (2, 9)), (15, (4, 12)), (20, (6, 15)), (25, (8, 18)), (40, (14, 27))],
)
def test_the_ranks_of_the_median_are_those_of_the_tables(n: int, ranks: tuple[int, int]) -> None:
    assert interval_ranks(n, P50) == ranks


def ranks_by_scipy(n: int, p: Fraction) -> set[tuple[int, int]]:
    """Return the closest pairs of ranks by SciPy, and of these those whose tails are most alike, up to rounding."""
    below = special.bdtr(np.arange(n + 1) - 1.0, n, float(p))  # P(B < rank)
    uppers = np.searchsorted(below, below[1:] + 0.95)
    pairs = [(lower, int(upper)) for lower, upper in enumerate(uppers, start=1) if upper <= n]
    width = min(upper - lower for lower, upper in pairs)
    tails = {(lower, upper): abs(below[lower] - (1 - below[upper])) for lower, upper in pairs if upper - lower == width}
    return {pair for pair, unevenness in tails.items() if unevenness < min(tails.values()) + 1e-12}


@pytest.mark.slow
@pytest.mark.parametrize("p", [P50, P85, P95])
def test_the_ranks_of_thousands_of_n_equal_scipys_and_ties_go_to_the_lower_pair(p: Fraction) -> None:
    ties = 0
    for n in [*range(n_needed(p), 1500), *range(1500, 60_000, 977)]:
        expected = ranks_by_scipy(n, p)
        assert interval_ranks(n, p) == min(expected), n
        if len(expected) > 1:
            assert expected == {
                (lower, upper) for lower, upper in expected if (n + 1 - upper, n + 1 - lower) in expected
            }
            ties += 1
    assert (ties > 100) == (p == P50)


@pytest.mark.parametrize(("n", "ranks"), [(10, (2, 9)), (11, (2, 9)), (19, (5, 14)), (20, (6, 15)), (100, (40, 60))])
def test_of_two_mirrored_pairs_for_the_median_the_lower_is_taken(n: int, ranks: tuple[int, int]) -> None:
    """Of an even sum of ranks and n the pair is symmetric; else two pairs mirror each other."""
    assert interval_ranks(n, P50) == ranks


@pytest.mark.parametrize("p", [P50, P85, P95, Fraction(1, 7)])
@pytest.mark.parametrize("n", [1, 2, 19, 60, 333, pytest.param(5000, marks=pytest.mark.slow)])
def test_the_binomial_distribution_is_exact_to_2_to_the_minus_90(n: int, p: Fraction) -> None:
    first, below = _binomial_below(n, p)
    hit, miss = p.numerator, p.denominator - p.numerator
    exact = list(accumulate((comb(n, k) * hit**k * miss ** (n - k) for k in range(n + 1)), initial=0))
    for k, value in enumerate(below, start=first):
        assert abs(value * exact[-1] - exact[k] * below[-1]) << 90 < below[-1] * exact[-1]


@pytest.mark.parametrize("p", [P50, P85, P95])
@pytest.mark.parametrize("n", [6, 7, 13, 19, 20, 33, 59, 60, 61, 80])
def test_the_ranks_are_the_closest_that_reach_the_level(n: int, p: Fraction) -> None:
    """Against all pairs, with SciPy's binomial distribution."""
    below = stats.binom(n, float(p)).cdf(np.arange(n + 1) - 1)  # P(B < rank)
    reaching = {
        (lower, upper)
        for lower in range(1, n + 1)
        for upper in range(lower + 1, n + 1)
        if below[upper] - below[lower] >= 0.95
    }
    found = interval_ranks(n, p)
    if not reaching:
        assert found is None
    else:
        assert found in reaching
        assert found[1] - found[0] == min(upper - lower for lower, upper in reaching)


@pytest.mark.parametrize("p", [P50, P85, P95])
def test_ranks_of_a_million_cover_as_promised(p: Fraction) -> None:
    found = interval_ranks(10**6, p)
    assert found is not None
    binomial = stats.binom(10**6, float(p))
    assert 0.95 <= binomial.cdf(found[1] - 1) - binomial.cdf(found[0] - 1) < 0.9502


@settings(max_examples=sized(50))
@given(st.lists(st.integers(0, 10**6), min_size=6, max_size=30), st.randoms(use_true_random=False))
def test_the_order_of_the_lengths_changes_nothing(values: list[int], rng: random.Random) -> None:
    shuffled = list(values)
    rng.shuffle(shuffled)
    assert quantile(lengths_of(values)) == quantile(lengths_of(shuffled))


def test_a_million_equal_lengths() -> None:
    found = quantile(np.full(10**6, 7, dtype=np.int64), P85)
    assert (found.value_ns, found.low_ns, found.high_ns, found.n) == (7, 7, 7, 10**6)


def test_one_enormous_outlier_moves_neither_the_median_nor_its_interval() -> None:
    calm = quantile(np.arange(1, 41))
    outlier = quantile(np.append(np.arange(1, 40), 2**62))
    assert (calm.value_ns, calm.low_ns, calm.high_ns) == (outlier.value_ns, outlier.low_ns, outlier.high_ns)


def test_a_quantile_of_nothing_is_none() -> None:
    found = quantile(lengths_of([]))
    assert (found.value_ns, found.low_ns, found.n) == (None, None, 0)
