"""The tests of models before they are used: by a test suite, or by people who look at predictions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from cycletrace import conventions as c
from cycletrace._internal.flow import Facts, StageFacts
from cycletrace._internal.report.columns import Columns
from cycletrace._internal.report.proportions import Share, share
from cycletrace._internal.report.quantiles import P50, P85, Quantile, quantile
from cycletrace._internal.report.sums import Bools, count
from cycletrace._internal.report.windows import Window


@dataclass(frozen=True)
class ModelTestRow:
    """The runs of test stages by one kind of actor, launched in one way."""

    actor: str
    launch: str
    runs: int
    passed: int
    outcomes: dict[str, int]
    """How many of the runs ended in each outcome; those that still run have none."""
    p50: Quantile
    """Of the lengths of runs that ended."""
    p85: Quantile


@dataclass(frozen=True)
class ModelTests:
    """The tests of models.

    The rows are about every run that ended, or still runs, in the window, also of cycles that did not finish: a suite
    that stops releases shows. ``no_automatic`` is the share of the n finished cycles without a test by automation.
    """

    population: str
    n: int
    no_automatic: Share
    rows: list[ModelTestRow]


def runs_in_window(facts: Facts, window: Window) -> Iterable[StageFacts]:
    """Return the test stages of a cycle that ended in a window, or still run and began in it."""
    for stage in facts["stages"]:
        if stage["kind"] == "test":
            instant = stage["start"] if stage["end"] is None else stage["end"]
            if instant < window.end and (window.begin is None or window.begin <= instant):
                yield stage


def model_tests(columns: Columns, measured: Bools, runs: Sequence[StageFacts]) -> ModelTests:
    """Return how models were tested.

    Args:
        columns: All cycles.
        measured: Those that finished in the window.
        runs: The test stages of all cycles in the window.
    """
    rows: dict[tuple[str, str], list[StageFacts]] = {}
    for run in runs:
        rows.setdefault((run["actor"], run["launch"]), []).append(run)
    found = [_row(*key, rows[key]) for key in sorted(rows, key=lambda key: (-len(rows[key]), key))]
    of_cycles = columns.runs
    n = count(measured)
    is_test = measured[of_cycles.cycle] & (of_cycles.kind == c.KINDS.index("test"))
    automatic = is_test & (of_cycles.actor == c.ACTORS.index(c.AUTOMATION))
    untested = n - len(np.unique(of_cycles.cycle[automatic]))
    return ModelTests("test runs in the window; cycles finished in the window", n, share(untested, n), found)


def _row(actor: str, launch: str, runs: Sequence[StageFacts]) -> ModelTestRow:
    lengths = [run["end"] - run["start"] for run in runs if run["end"] is not None and run["start"] <= run["end"]]
    outcomes = Counter(run["outcome"] for run in runs if run["outcome"] is not None)
    column = np.array(lengths, dtype=np.int64)
    return ModelTestRow(
        actor=actor,
        launch=launch,
        runs=len(runs),
        passed=sum(outcomes[outcome] for outcome in c.SUCCESSES),
        outcomes={outcome: outcomes[outcome] for outcome in c.STAGE_OUTCOMES if outcomes[outcome]},
        p50=quantile(column, P50),
        p85=quantile(column, P85),
    )
