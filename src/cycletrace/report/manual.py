"""What people have to do by hand in finished cycles, and how long it waits for them.

Source of the words: the design, section 2. The interval of the hands-free rate is Wilson's.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cycletrace.conventions import ACTORS, AUTOMATION, LAUNCHES
from cycletrace.report.accounting import share_of
from cycletrace.report.columns import Codes, Table
from cycletrace.report.proportions import Share, share
from cycletrace.report.quantiles import P50, Quantile, quantile
from cycletrace.report.sums import Bools, total


@dataclass(frozen=True)
class StepRow:
    """One manual step, over all its manual runs. People are pseudonyms unless names were asked for."""

    stage: str
    runs: int
    cycles: int
    people: int
    """How many different people did it; runs that name nobody are not among them."""
    named_runs: int
    top_person: str | None
    """Who did it most often."""
    top_share: float | None
    """The share of the named runs that were theirs."""
    taken_up: Quantile
    """How long it waited to be taken up."""
    taken_up_total_ns: int
    taken_up_longest_ns: int | None
    launches: dict[str, int]
    """How its runs were launched."""
    by_automation: int
    """Runs that said they were automation, but were launched from a terminal or a notebook."""


@dataclass(frozen=True)
class Manual:
    """Manual work in n cycles. ``hands_free``: no manual step began between ``selected`` and the finish."""

    population: str
    n: int
    owned_ns: int
    share: float | None
    """Of the time of all cycles: what the work of manual steps owned."""
    steps: int
    steps_per_cycle: float | None
    hands_free: Share
    taken_up_total_ns: int
    """How long all manual steps waited to be taken up."""
    by_step: list[StepRow]


def manual(table: Table, measured: Bools) -> Manual:
    """The manual work in these cycles."""
    n = int(np.count_nonzero(measured))
    cycles, steps = table.cycles, table.steps
    owned = total(cycles.manual[measured])
    known = cycles.hands_free[measured]
    rows = measured[steps.cycle]
    by_step = [_step(table, rows & (steps.name == code)) for code in np.unique(steps.name[rows])]
    by_step.sort(key=lambda row: (-row.taken_up_total_ns, -row.runs, row.stage))
    count = int(np.count_nonzero(rows))
    return Manual(
        population="cycles finished in the window",
        n=n,
        owned_ns=owned,
        share=share_of(owned, total(cycles.time[measured])),
        steps=count,
        steps_per_cycle=count / n if n else None,
        hands_free=share(int(np.count_nonzero(known == 1)), int(np.count_nonzero(known >= 0))),
        taken_up_total_ns=sum(row.taken_up_total_ns for row in by_step),
        by_step=by_step,
    )


def _step(table: Table, rows: Bools) -> StepRow:
    steps = table.steps
    taken_up = steps.taken_up[rows]
    person = steps.person[rows]
    named = person[person >= 0]
    top, top_runs = _most_frequent(table.people, named)
    launches = np.bincount(steps.launch[rows], minlength=len(LAUNCHES))
    return StepRow(
        stage=table.names[int(steps.name[rows][0])],
        runs=len(taken_up),
        cycles=len(np.unique(steps.cycle[rows])),
        people=len(np.unique(named)),
        named_runs=len(named),
        top_person=top,
        top_share=top_runs / len(named) if len(named) else None,
        taken_up=quantile(taken_up, P50),
        taken_up_total_ns=total(taken_up),
        taken_up_longest_ns=int(np.max(taken_up)),
        launches={name: int(count) for name, count in zip(LAUNCHES, launches, strict=True) if count},
        by_automation=int(np.count_nonzero(steps.actor[rows] == ACTORS.index(AUTOMATION))),
    )


def _most_frequent(names: list[str], codes: Codes) -> tuple[str | None, int]:
    """The name that comes most often, of several the first by its text."""
    if not len(codes):
        return None, 0
    found, counts = np.unique(codes, return_counts=True)
    best = min(zip(-counts, (names[code] for code in found), strict=True))
    return best[1], -int(best[0])
