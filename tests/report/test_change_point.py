from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.report.histories import DAY, HOUR, NOW, Team

from cycletrace._internal.report import build
from cycletrace._internal.report.change_point import ChangePoint, pettitt

# fmt: off
NILE = [
    1120, 1160, 963, 1210, 1160, 1160, 813, 1230, 1370, 1140, 995, 935, 1110, 994, 1020, 960, 1180, 799, 958, 1140,
    1100, 1210, 1150, 1250, 1260, 1220, 1030, 1100, 774, 840, 874, 694, 940, 833, 701, 916, 692, 1020, 1050, 969,
    831, 726, 456, 824, 702, 1120, 1100, 832, 764, 821, 768, 845, 864, 862, 698, 845, 744, 796, 1040, 759,
    781, 865, 845, 944, 984, 897, 822, 1010, 771, 676, 649, 846, 812, 742, 801, 1040, 860, 874, 848, 890,
    744, 749, 838, 1050, 918, 986, 797, 923, 975, 815, 1020, 906, 901, 1170, 912, 746, 919, 718, 714, 740,
]
# fmt: on
"""The yearly flow of the Nile at Aswan, 1871 to 1970 (Cobb, Biometrika 65 (1978) 243-251)."""


def by_definition(values: list[int]) -> tuple[int, float]:
    """Return Pettitt's statistic by his definition: sums of signs over all pairs across each possible change."""
    n = len(values)
    sums = [
        abs(sum((values[i] > values[j]) - (values[i] < values[j]) for i in range(k) for j in range(k, n)))
        for k in range(1, n)
    ]
    largest = max(sums)
    return sums.index(largest) + 1, min(1.0, 2 * math.exp(-6 * largest**2 / (n**3 + n**2)))


@given(st.lists(st.integers(0, 8), min_size=2, max_size=14))
def test_it_equals_pettitts_definition_with_ties_too(values: list[int]) -> None:
    index, p_value = pettitt(np.array(values, dtype=np.int64))
    expected = by_definition(values)
    assert index == expected[0]
    assert p_value == pytest.approx(expected[1])


def test_the_nile_changed_after_1898() -> None:
    """The published change: the 28 years to 1898 before it (Cobb 1978, and every paper on the series since)."""
    assert (len(NILE), sum(NILE)) == (100, 91935)
    index, p_value = pettitt(np.array(NILE, dtype=np.int64))
    assert 1870 + index == 1898
    assert p_value < 1e-5


def finished(number: int, length: int) -> Team:
    team = Team(f"m@{number}", NOW - (200 - number) * DAY - length)
    team.stage("train", length)
    team.mark("in_use")
    return team


def changes(lengths: list[int]) -> ChangePoint:
    return build([finished(n, length).facts() for n, length in enumerate(lengths)], as_of=NOW).change_point


def test_a_change_is_dated_by_the_first_cycle_after_it() -> None:
    found = changes([10 * HOUR + n for n in range(30)] + [4 * HOUR + n for n in range(30)])
    assert found.verdict == "faster since"
    assert found.at == NOW - 170 * DAY
    assert found.before is not None
    assert found.after is not None
    assert (found.before.n, found.after.n) == (30, 30)
    assert found.after.value_ns == 4 * HOUR + 14  # half to even


def test_a_change_for_the_worse_is_slower() -> None:
    assert changes([HOUR] * 20 + [5 * HOUR] * 20).verdict == "slower since"


def test_equal_cycles_never_changed() -> None:
    found = changes([HOUR] * 60)
    assert (found.verdict, found.p_value, found.at) == ("no change found over the last year", 1.0, None)


def test_below_the_n_needed_the_verdict_has_the_number_needed() -> None:
    found = changes([HOUR] * 10 + [9 * HOUR] * 9)
    assert (
        found.verdict == "not conclusive: finding a change within the year takes 20 finished cycles, and there are 19"
    )
    assert found.p_value is None
