"""How models are tested before they are used: by a test suite, or by people who look at predictions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cycletrace.conventions import ACTORS, AUTOMATION, KINDS, LAUNCHES, STAGE_OUTCOMES, SUCCESSES
from cycletrace.report.columns import NULL, Table
from cycletrace.report.proportions import Share, share
from cycletrace.report.quantiles import P50, P85, Quantile, quantile
from cycletrace.report.sums import Bools


@dataclass(frozen=True)
class TestRow:
    """The runs of test stages by one kind of actor, launched in one way."""

    actor: str
    launch: str
    runs: int
    passed: int
    p50: Quantile
    """Of the lengths of runs that ended."""
    p85: Quantile


@dataclass(frozen=True)
class Tests:
    """The tests of n cycles. ``no_automatic``: cycles without a test that automation ran."""

    population: str
    n: int
    no_automatic: Share
    rows: list[TestRow]


def tests(table: Table, measured: Bools) -> Tests:
    """How these cycles were tested: their stages of kind ``test``."""
    runs = table.runs
    n = int(np.count_nonzero(measured))
    rows = measured[runs.cycle] & (runs.kind == KINDS.index("test"))
    automatic = rows & (runs.actor == ACTORS.index(AUTOMATION))
    n_tested = len(np.unique(runs.cycle[automatic]))
    found = []
    for actor, actor_name in enumerate(ACTORS):
        for launch, launch_name in enumerate(LAUNCHES):
            chosen = rows & (runs.actor == actor) & (runs.launch == launch)
            if chosen.any():
                found.append(_row(table, chosen, actor_name, launch_name))
    found.sort(key=lambda row: -row.runs)
    return Tests("cycles finished in the window", n, share(n - n_tested, n), found)


def _row(table: Table, chosen: Bools, actor: str, launch: str) -> TestRow:
    runs = table.runs
    lengths = runs.length[chosen]
    lengths = lengths[lengths != NULL]
    passed = np.isin(runs.outcome[chosen], [STAGE_OUTCOMES.index(outcome) for outcome in SUCCESSES])
    return TestRow(
        actor=actor,
        launch=launch,
        runs=int(np.count_nonzero(chosen)),
        passed=int(np.count_nonzero(passed)),
        p50=quantile(lengths, P50),
        p85=quantile(lengths, P85),
    )
