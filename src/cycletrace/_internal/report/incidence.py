"""How many cycles got to the end of the target's part, by the time since they began it.

The estimate and its interval are those of the attainment of the target (:mod:`.attainment`), at every length instead
of one. Nothing is said of lengths beyond the longest follow-up.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cycletrace._internal.flow import CycleTarget
from cycletrace._internal.report.attainment import cohort, incidence_curve, interval_of
from cycletrace._internal.report.columns import Columns
from cycletrace._internal.report.sums import Bools
from cycletrace._internal.report.windows import Window

MOST_STEPS = 120
"""The largest number of steps that are listed; more are thinned evenly."""


@dataclass(frozen=True)
class Step:
    """The shares from ``length_ns`` on: of cycles that got to the end, with its interval, and that closed without."""

    length_ns: int
    value: float
    low: float
    high: float
    closed_without: float
    n: int


@dataclass(frozen=True)
class Incidence:
    """The steps of the cumulative incidence of the end of a part; ``longest_ns`` is the longest follow-up."""

    population: str
    part: str
    n: int
    longest_ns: int | None
    steps: list[Step]
    steps_in_all: int


def incidence(
    columns: Columns, of_trigger: Bools, window: Window, as_of: int, target: CycleTarget, population: str
) -> Incidence:
    """Return how the cycles that began the target's part in the window got to its end."""
    lengths, status, _ = cohort(columns, of_trigger, window, as_of, target)
    times, reached, variance, competing = incidence_curve(lengths, status)
    places = np.unique(np.linspace(0, len(times) - 1, min(len(times), MOST_STEPS)).astype(np.intp))
    steps = []
    for place in places:
        value, length = float(reached[place]), int(times[place])
        low, high = interval_of(value, float(variance[place]), lengths, status, length)
        steps.append(Step(length, value, low, high, float(competing[place]), len(lengths)))
    longest = int(lengths.max()) if len(lengths) else None
    return Incidence(population, target.part, len(lengths), longest, steps, len(times))
