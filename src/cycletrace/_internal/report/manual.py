"""The manual steps of finished cycles: who does them, and how long they wait for that person."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cycletrace import conventions as c
from cycletrace._internal.report.columns import Columns
from cycletrace._internal.report.proportions import Share, share
from cycletrace._internal.report.quantiles import P50, Quantile, quantile
from cycletrace._internal.report.sums import Bools, Codes, count, share_of, total


@dataclass(frozen=True)
class StepRow:
    """One manual step, over all its manual runs. People are pseudonyms unless names were asked for."""

    stage: str
    runs: int
    cycles: int
    people: int
    """The number of different people who did it; runs without a person are not among them."""
    named_runs: int
    top_person: str | None
    """The person who did it most often."""
    top_share: float | None
    """That person's share of the named runs."""
    taken_up: Quantile
    """The time for which it waited to be taken up."""
    taken_up_total_ns: int
    taken_up_longest_ns: int | None
    launches: dict[str, int]
    """Its runs by launch."""
    by_automation: int
    """Runs that were declared as automation, but launched from a terminal or a notebook."""


@dataclass(frozen=True)
class Manual:
    """Manual work in n cycles. ``hands_free``: no manual step began between ``selected`` and the finish."""

    population: str
    n: int
    owned_ns: int
    share: float | None
    """Time owned by the work of manual steps, as a share of the time of all cycles."""
    steps: int
    steps_per_cycle: float | None
    hands_free: Share
    taken_up_total_ns: int
    """The time for which all manual steps waited to be taken up."""
    by_step: list[StepRow]


def manual(columns: Columns, measured: Bools) -> Manual:
    """Return the manual work in these cycles."""
    n = count(measured)
    cycles, steps = columns.cycles, columns.steps
    owned = total(cycles.manual[measured])
    hands_free = cycles.hands_free[measured]
    rows = measured[steps.cycle]
    by_step = [_step(columns, rows & (steps.name == code)) for code in np.unique(steps.name[rows])]
    by_step.sort(key=lambda row: (-row.taken_up_total_ns, -row.runs, row.stage))
    n_steps = count(rows)
    return Manual(
        population="cycles finished in the window",
        n=n,
        owned_ns=owned,
        share=share_of(owned, total(cycles.time[measured])),
        steps=n_steps,
        steps_per_cycle=n_steps / n if n else None,
        hands_free=share(count(hands_free == 1), count(hands_free >= 0)),
        taken_up_total_ns=sum(row.taken_up_total_ns for row in by_step),
        by_step=by_step,
    )


def _step(columns: Columns, rows: Bools) -> StepRow:
    steps = columns.steps
    taken_up = steps.taken_up[rows]
    person = steps.person[rows]
    named = person[person >= 0]
    top, top_runs = _most_frequent(columns.people, named)
    launches = np.bincount(steps.launch[rows], minlength=len(c.LAUNCHES))
    return StepRow(
        stage=columns.names[int(steps.name[rows][0])],
        runs=len(taken_up),
        cycles=len(np.unique(steps.cycle[rows])),
        people=len(np.unique(named)),
        named_runs=len(named),
        top_person=top,
        top_share=top_runs / len(named) if len(named) else None,
        taken_up=quantile(taken_up, P50),
        taken_up_total_ns=total(taken_up),
        taken_up_longest_ns=int(np.max(taken_up)),
        launches={name: int(runs) for name, runs in zip(c.LAUNCHES, launches, strict=True) if runs},
        by_automation=count(steps.actor[rows] == c.ACTORS.index(c.AUTOMATION)),
    )


def _most_frequent(names: list[str], codes: Codes) -> tuple[str | None, int]:
    """Return the most frequent name and how often it occurs; of equally frequent ones the first in order of text."""
    if not len(codes):
        return None, 0
    found, counts = np.unique(codes, return_counts=True)
    best = min(zip(-counts, (names[code] for code in found), strict=True))
    return best[1], -int(best[0])
