"""Simulate histories with a known truth and count how often the report's intervals cover it.

    python scripts/coverage_of_intervals.py                    # 4,000 of each: some minutes on one core
    python scripts/coverage_of_intervals.py --histories 400    # a glance

Prints the table of docs/statistics.md. Everything is seeded. The exit status is 1 if an interval covers the truth less
often than its level by more than four standard deviations, or a change is found more often than stated.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator
from math import exp, sqrt
from pathlib import Path
from typing import NamedTuple

import numpy as np

from cycletrace._internal.report import build
from cycletrace._internal.report.attainment import CENSORED, COMPETING, REACHED, cumulative_incidence
from cycletrace._internal.report.change_point import FALSE_ALARMS, pettitt
from cycletrace._internal.report.proportions import wilson
from cycletrace._internal.report.quantiles import P50, P85, P95, quantile
from cycletrace._internal.report.sums import Int64s
from cycletrace._internal.report.trend import bootstrap_interval

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from tests.report.histories import DAY, HOUR, NOW, Team

LEVEL = 0.95
SEED = 20260528
ALLOWED = 0.02
"""Wilson's interval, and those made of it, keep their level on average over all truths; for a single truth they may
miss it by this much."""


class Row(NamedTuple):
    """One simulation: the rate at which an interval covered the truth, or a change was found without one."""

    figure: str
    of: str
    n: int
    share: float
    promised: str
    floor: float = 0.0
    ceiling: float = 1.0

    def holds(self, histories: int) -> bool:
        """Return whether the share is as promised, allowing for chance."""
        chance = 4 * sqrt(LEVEL * (1 - LEVEL) / histories)
        return self.floor - chance <= self.share <= self.ceiling + chance


Draw = Callable[[np.random.Generator, int], Int64s]


def lognormal(random: np.random.Generator, n: int) -> Int64s:
    """Return cycle times with a long tail, around an hour."""
    return (random.lognormal(0, 1, n) * HOUR).astype(np.int64)


def tied(random: np.random.Generator, n: int) -> Int64s:
    """Return cycle times in whole hours, so that many are equal."""
    return (1 + random.poisson(3, n)).astype(np.int64) * HOUR


def two_humps(random: np.random.Generator, n: int) -> Int64s:
    """Return cycle times of either an hour or days, as if some cycles waited for a person."""
    slow = random.random(n) < 0.4
    return np.where(slow, random.normal(3 * DAY, DAY / 4, n), random.normal(HOUR, HOUR / 8, n)).astype(np.int64)


DRAWS: dict[str, Draw] = {"long tail": lognormal, "many ties": tied, "two humps": two_humps}


def quantiles(histories: int) -> Iterator[Row]:
    """Simulate the distribution-free intervals."""
    for p, sizes in ((P50, (6, 20, 100)), (P85, (19, 100)), (P95, (59, 200))):
        for name, draw in DRAWS.items():
            # The truth: so large a sample that its error is far below the width of any interval here.
            truth = quantile(draw(np.random.default_rng(SEED), 4_000_001), p).value_ns
            assert truth is not None
            for n in sizes:
                random = np.random.default_rng([SEED, n])
                held = 0
                for _ in range(histories):
                    found = quantile(draw(random, n), p)
                    assert found.low_ns is not None
                    assert found.high_ns is not None
                    held += found.low_ns <= truth <= found.high_ns
                yield Row(f"p{round(float(p) * 100)}", name, n, held / histories, "at least 95 %", LEVEL)


def proportions(histories: int) -> Iterator[Row]:
    """Simulate Wilson's interval over uniformly drawn truths, over which it keeps its level on average."""
    for n in (5, 20, 100):
        random = np.random.default_rng([SEED, n])
        held = 0
        for _ in range(histories):
            truth = random.random()
            low, high = wilson(random.binomial(n, truth) / n, n)
            held += low <= truth <= high
        yield Row("hands-free", "any truth", n, held / histories, "95 %", LEVEL - ALLOWED)


class Fates(NamedTuple):
    """Rates per day at which cycles reach the end, fail, and are observed too early to know."""

    reach: float
    fail: float
    censor: float


def attainments(histories: int) -> Iterator[Row]:
    """Simulate cycles that reach the end, fail or are censored at constant rates, for which the truth has a formula."""
    cases = {
        "few cut off": Fates(1.0, 0.3, 0.1),
        "a third cut off": Fates(1.0, 0.3, 0.7),
        "half cut off": Fates(1.0, 0.3, 1.5),
        "rarely reached": Fates(0.05, 0.3, 0.3),
        "mostly reached": Fates(3.0, 0.1, 0.3),
    }
    for name, rate in cases.items():
        both = rate.reach + rate.fail
        truth = rate.reach / both * (1 - exp(-both))
        for n in (10, 30, 200):
            random = np.random.default_rng([SEED, n])
            held = 0
            for _ in range(histories):
                reach, fail, censor = (random.exponential(1 / one, n) * DAY for one in rate)
                first = np.minimum(np.minimum(reach, fail), censor)
                status = np.where(first == reach, REACHED, np.where(first == fail, COMPETING, CENSORED))
                _, low, high = cumulative_incidence(first.astype(np.int64), status.astype(np.int32), DAY)
                held += low <= truth <= high
            yield Row("attainment", name, n, held / histories, "95 %", LEVEL - ALLOWED)


def differences(histories: int) -> Iterator[Row]:
    """Simulate the bootstrap interval of the difference of two equal medians."""
    for name, draw in DRAWS.items():
        for n in (6, 20, 100):
            random = np.random.default_rng([SEED, n])
            held = 0
            for _ in range(histories):
                low, high = bootstrap_interval(np.sort(draw(random, n)), np.sort(draw(random, n)))
                held += low <= 0 <= high
            yield Row("difference of medians", name, n, held / histories, "95 %", LEVEL - ALLOWED)


def false_alarms(histories: int) -> Iterator[Row]:
    """Simulate the search for a change where there is none."""
    for name, draw in DRAWS.items():
        for n in (20, 50, 300):
            random = np.random.default_rng([SEED, n])
            found = sum(pettitt(draw(random, n))[1] <= FALSE_ALARMS for _ in range(histories))
            yield Row("change found", name, n, found / histories, "at most 5 %", ceiling=FALSE_ALARMS)


def whole_histories(histories: int) -> Iterator[Row]:
    """Simulate whole reports on cycles that train for a random time, of which a fifth fails before use."""
    random = np.random.default_rng(SEED)
    n, histories = 25, histories // 4
    median_held = attainment_held = 0
    for _ in range(histories):
        facts = []
        for number in range(n):
            team = Team(f"m@{number}", NOW - 20 * DAY)
            team.stage("train", int(random.lognormal(0, 1) * HOUR))
            team.mark("selected")
            if random.random() < 0.2:
                team.close("failed")
            else:
                team.stage("deploy", int(random.exponential(HOUR)))
                team.mark("in_use")
            facts.append(team.facts())
        found = build(facts, as_of=NOW, target="deployment:1h")
        median, attained = found.training.domains[0].p50, found.attainment
        assert median.low_ns is not None
        assert median.high_ns is not None
        assert attained.low is not None
        assert attained.high is not None
        median_held += median.low_ns <= HOUR <= median.high_ns
        attainment_held += attained.low <= 0.8 * (1 - exp(-1)) <= attained.high
    yield Row("training p50, by the report", "long tail", n, median_held / histories, "at least 95 %", LEVEL)
    yield Row("attainment, by the report", "a fifth fails", n, attainment_held / histories, "95 %", LEVEL - ALLOWED)


def rows(histories: int) -> Iterator[Row]:
    """Run all simulations."""
    for simulation in (quantiles, proportions, attainments, differences, false_alarms, whole_histories):
        yield from simulation(histories)


def main() -> int:
    """Print the table. Return 1 if a promise is not kept."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--histories", type=int, default=4000, help="how many of each (default: 4000)")
    histories = parser.parse_args().histories
    broken = 0
    print("| figure | histories | n | share | promised |\n|---|---|---:|---:|---|")
    for row in rows(histories):
        kept = row.holds(histories)
        broken += not kept
        promised = row.promised if kept else f"{row.promised}: broken"
        print(f"| {row.figure} | {row.of} | {row.n} | {row.share * 100:.1f} % | {promised} |", flush=True)
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
