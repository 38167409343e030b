"""The tests of models before they are used: by a test suite, or by people who look at predictions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cycletrace import conventions as c
from cycletrace._internal.report.columns import NULL, Columns
from cycletrace._internal.report.proportions import Share, share
from cycletrace._internal.report.quantiles import P50, P85, Quantile, quantile
from cycletrace._internal.report.sums import Bools, count


@dataclass(frozen=True)
class ModelTestRow:
    """The runs of test stages by one kind of actor, launched in one way."""

    actor: str
    launch: str
    runs: int
    passed: int
    p50: Quantile
    """Of the lengths of runs that ended."""
    p85: Quantile


@dataclass(frozen=True)
class ModelTests:
    """The tests of n cycles. ``no_automatic`` is the share of cycles without a test that automation ran."""

    population: str
    n: int
    no_automatic: Share
    rows: list[ModelTestRow]


def model_tests(columns: Columns, measured: Bools) -> ModelTests:
    """Return how these cycles were tested, by their stages of kind ``test``."""
    runs = columns.runs
    n = count(measured)
    rows = measured[runs.cycle] & (runs.kind == c.KINDS.index("test"))
    automatic = rows & (runs.actor == c.ACTORS.index(c.AUTOMATION))
    n_tested = len(np.unique(runs.cycle[automatic]))
    found = []
    for actor, actor_name in enumerate(c.ACTORS):
        for launch, launch_name in enumerate(c.LAUNCHES):
            chosen = rows & (runs.actor == actor) & (runs.launch == launch)
            if chosen.any():
                found.append(_row(columns, chosen, actor_name, launch_name))
    found.sort(key=lambda row: -row.runs)
    return ModelTests("cycles finished in the window", n, share(n - n_tested, n), found)


def _row(columns: Columns, chosen: Bools, actor: str, launch: str) -> ModelTestRow:
    runs = columns.runs
    lengths = runs.length[chosen]
    lengths = lengths[lengths != NULL]
    passed = np.isin(runs.outcome[chosen], [c.STAGE_OUTCOMES.index(outcome) for outcome in c.SUCCESSES])
    return ModelTestRow(
        actor=actor,
        launch=launch,
        runs=count(chosen),
        passed=count(passed),
        p50=quantile(lengths, P50),
        p85=quantile(lengths, P85),
    )
