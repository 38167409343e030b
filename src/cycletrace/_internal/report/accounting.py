"""The accounting of the time of finished cycles: by part, by activity, by stage.

Totals, means and shares of owned time add up to those of the cycle time. Quantiles are of each row alone, over the
cycles that have it: they are never summed or stacked. Source: the design's arithmetic, rules 5, 7, 8 and 11.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cycletrace import conventions as c
from cycletrace._internal.report.columns import NULL, Columns
from cycletrace._internal.report.quantiles import P50, P85, Quantile, quantile
from cycletrace._internal.report.sums import Bools, Codes, Int64s, count, means, share_of, total

UNATTRIBUTED = "unattributed"
"""The time of cycles in no part, because a mark is missing or out of order."""

MOST_STAGES = 100
"""The number of stages with a row of their own, those that own most; the others share one row."""

_ADDING_UP = (c.TRAINING, c.SELECTION, c.DEPLOYMENT)


@dataclass(frozen=True)
class Row:
    """One part or activity. ``n`` cycles have it; the quantiles are over these alone, the mean is over all."""

    name: str
    total_ns: int
    mean_ns: int
    share: float | None
    """``total_ns`` as a share of the time of all cycles."""
    n: int
    p50: Quantile
    p85: Quantile


@dataclass(frozen=True)
class StageRow:
    """One stage; without a ``stage``, a wait of the cycle as a whole or unexplained time.

    ``merged`` is how many stages share the row; such a row has no quantiles.
    """

    stage: str | None
    activity: str | None
    """The one activity of a row without a stage."""
    merged: int
    total_ns: int
    mean_ns: int
    share: float | None
    work_ns: int
    """The work in the total; the rest is waiting."""
    n: int
    p50: Quantile
    p85: Quantile
    runs: int
    unsuccessful: int
    """Runs that ended in another outcome than a success."""


@dataclass(frozen=True)
class Accounting:
    """The time of n cycles. Each of the lists of rows adds up to ``total_ns`` and to ``mean_ns``."""

    population: str
    n: int
    total_ns: int
    mean_ns: int
    parts: list[Row]
    activation: Row
    """Inside deployment."""
    activities: list[Row]
    stages: list[StageRow]


def accounting(columns: Columns, measured: Bools) -> Accounting:
    """Return where the time of these cycles went; each must have a cycle time and details."""
    n = count(measured)
    time = total(columns.cycles.time[measured])
    activation = columns.cycles.parts[measured, c.PARTS.index(c.ACTIVATION)]
    return Accounting(
        population="cycles finished in the window",
        n=n,
        total_ns=time,
        mean_ns=means([time], n)[0],
        parts=_parts(columns, measured, time, n),
        activation=_rows({c.ACTIVATION: activation[activation != NULL]}, time, n)[0],
        activities=_activities(columns, measured, time, n),
        stages=_stages(columns, measured, time, n),
    )


def _parts(columns: Columns, measured: Bools, time: int, n: int) -> list[Row]:
    parts = columns.cycles.parts[measured][:, [c.PARTS.index(name) for name in _ADDING_UP]]
    times = columns.cycles.time[measured]
    rest = times
    for column in parts.T:
        rest = np.where((column == NULL) | (rest < 0), rest, rest - column)
    is_sound = rest >= 0  # a part whose mark lies outside of the cycle is not part of its time
    lengths = {name: column[is_sound & (column != NULL)] for name, column in zip(_ADDING_UP, parts.T, strict=True)}
    rest = np.where(is_sound, rest, times)
    if rest.any():
        lengths[UNATTRIBUTED] = rest[rest > 0]
    return _rows(lengths, time, n)


def _activities(columns: Columns, measured: Bools, time: int, n: int) -> list[Row]:
    activity = columns.cycles.activity[measured].T
    return _rows({name: column[column > 0] for name, column in zip(c.ACTIVITIES, activity, strict=True)}, time, n)


def _rows(lengths: dict[str, Int64s], time: int, n: int) -> list[Row]:
    """Return a row for each name, from its length in each cycle that has it."""
    totals = [total(column) for column in lengths.values()]
    return [
        Row(name, owned, mean, share_of(owned, time), len(column), quantile(column, P50), quantile(column, P85))
        for (name, column), owned, mean in zip(lengths.items(), totals, means(totals, n), strict=True)
    ]


def _stages(columns: Columns, measured: Bools, time: int, n: int) -> list[StageRow]:
    groups = _owned_by_group(columns, measured)
    runs, unsuccessful = _runs_by_name(columns, measured)
    no_quantile = quantile(np.empty(0, dtype=np.int64))
    order = sorted(groups, key=lambda group: (-groups[group][1], group[0] or "", group[1] or ""))
    totals = [groups[group][1] for group in order]
    rows: list[StageRow] = []
    for group, mean in zip(order, means(totals, n), strict=True):
        stage, activity = group
        lengths, owned, work = groups[group]
        is_shown = len(rows) < MOST_STAGES
        rows.append(
            StageRow(
                stage=stage,
                activity=activity,
                merged=0,
                total_ns=owned,
                mean_ns=mean,
                share=share_of(owned, time),
                work_ns=work,
                n=len(lengths),
                p50=quantile(lengths, P50) if is_shown else no_quantile,
                p85=quantile(lengths, P85) if is_shown else no_quantile,
                runs=runs.get(stage, 0) if stage is not None else 0,
                unsuccessful=unsuccessful.get(stage, 0) if stage is not None else 0,
            )
        )
    shown, others = rows[:MOST_STAGES], rows[MOST_STAGES:]
    return [*shown, _merged(others, time, no_quantile)] if others else shown


def _merged(rows: list[StageRow], time: int, no_quantile: Quantile) -> StageRow:
    owned = sum(row.total_ns for row in rows)
    return StageRow(
        stage=None,
        activity=None,
        merged=len(rows),
        total_ns=owned,
        mean_ns=sum(row.mean_ns for row in rows),
        share=share_of(owned, time),
        work_ns=sum(row.work_ns for row in rows),
        n=sum(row.n for row in rows),
        p50=no_quantile,
        p85=no_quantile,
        runs=sum(row.runs for row in rows),
        unsuccessful=sum(row.unsuccessful for row in rows),
    )


Group = tuple[str | None, str | None]
"""A stage and no activity, or no stage and an activity."""


def _owned_by_group(columns: Columns, measured: Bools) -> dict[Group, tuple[Int64s, int, int]]:
    """Return what each group owned: the lengths in the cycles that have it, their total, and the work in that."""
    owned = columns.owners
    rows = np.flatnonzero(measured[owned.cycle])
    if not len(rows):
        return {}
    # Groups without a stage are numbered below those with one.
    group = np.where(owned.stage >= 0, owned.stage + len(c.ACTIVITIES), owned.activity)
    rows = rows[np.argsort(group[rows], kind="stable")]  # the rows of a cycle stay together
    cycle, group, activity, length = owned.cycle[rows], group[rows], owned.activity[rows], owned.length[rows]
    is_first = np.ones(len(group), dtype=np.bool_)
    is_first[1:] = (group[1:] != group[:-1]) | (cycle[1:] != cycle[:-1])
    firsts = np.flatnonzero(is_first)
    per_cycle = np.add.reduceat(length, firsts)
    is_work = np.array([name.startswith("work.") for name in c.ACTIVITIES])[activity]
    bounds = np.flatnonzero(np.diff(group[firsts], prepend=-1))
    found: dict[Group, tuple[Int64s, int, int]] = {}
    for first, behind in zip(bounds, [*bounds[1:], len(firsts)], strict=True):
        begin, end = firsts[first], firsts[behind] if behind < len(firsts) else len(group)
        code = int(group[begin])
        is_stage = code >= len(c.ACTIVITIES)
        key: Group = (columns.names[code - len(c.ACTIVITIES)], None) if is_stage else (None, c.ACTIVITIES[code])
        lengths = per_cycle[first:behind]
        found[key] = lengths, total(lengths), total(np.where(is_work[begin:end], length[begin:end], 0))
    return found


def owned_totals(columns: Columns, measured: Bools) -> dict[Group, int]:
    """Return how much (ns) each stage owned of these cycles, and each activity without a stage."""
    return {group: owned for group, (_, owned, _) in _owned_by_group(columns, measured).items()}


def _runs_by_name(columns: Columns, measured: Bools) -> tuple[dict[str, int], dict[str, int]]:
    """Return how many runs each stage had, and how many of them ended without success."""
    runs = columns.runs
    rows = measured[runs.cycle]
    successes = [-1, *(c.STAGE_OUTCOMES.index(outcome) for outcome in c.SUCCESSES)]
    failed = rows & ~np.isin(runs.outcome, successes)
    return _count_names(columns, runs.name[rows]), _count_names(columns, runs.name[failed])


def _count_names(columns: Columns, codes: Codes) -> dict[str, int]:
    counts = np.bincount(codes, minlength=len(columns.names))
    return {name: int(runs) for name, runs in zip(columns.names, counts, strict=True) if runs}
