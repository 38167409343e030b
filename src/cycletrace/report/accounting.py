"""Where the time of finished cycles went: by part, by activity, by stage.

Means of owned time add up to the mean cycle time; so do totals and shares. Quantiles stand for each alone, over the
cycles that have it: they are never summed or stacked. Source: the design's arithmetic, rules 5, 7, 8 and 11.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cycletrace.conventions import ACTIVITIES, DEPLOYMENT, PARTS, SELECTION, STAGE_OUTCOMES, SUCCESSES, TRAINING
from cycletrace.report.columns import NULL, Codes, Table
from cycletrace.report.quantiles import P50, P85, Quantile, quantile
from cycletrace.report.sums import Bools, Int64s, means, total

NOT_TOLD_APART = "not told apart"
"""The time of cycles that no part claims, since a mark is missing or out of order."""

MOST_STAGES = 100
"""So many stages, those that own most, stand alone; the others are one row."""

_ADDING_UP = (TRAINING, SELECTION, DEPLOYMENT)


@dataclass(frozen=True)
class Row:
    """What owned time. ``n`` cycles have it; the quantiles are of these alone, the mean is over all."""

    name: str
    total_ns: int
    mean_ns: int
    share: float | None
    """Of the time of all cycles."""
    n: int
    p50: Quantile
    p85: Quantile


@dataclass(frozen=True)
class StageRow:
    """What a stage owned. Without a ``stage``: a wait of the cycle as a whole, or what nothing explains.

    ``merged`` is how many further stages the row stands for; the quantiles are then of nothing.
    """

    stage: str | None
    activity: str | None
    """The one activity of a row without a stage."""
    merged: int
    total_ns: int
    mean_ns: int
    share: float | None
    work_ns: int
    """Of the total; the rest are its waits."""
    n: int
    p50: Quantile
    p85: Quantile
    runs: int
    unsuccessful: int
    """Runs that ended, but not well."""


@dataclass(frozen=True)
class Accounting:
    """Where the time of n cycles went. Each of the three lists adds up to ``total_ns`` and to ``mean_ns``."""

    population: str
    n: int
    total_ns: int
    mean_ns: int
    parts: list[Row]
    activation: Row
    """Inside deployment."""
    activities: list[Row]
    stages: list[StageRow]


def accounting(table: Table, measured: Bools) -> Accounting:
    """Where the time of these cycles went; each must have a cycle time and details."""
    n = int(np.count_nonzero(measured))
    time = total(table.cycles.time[measured])
    parts = _parts(table, measured, time, n)
    activation = _column(table.cycles.parts[measured, PARTS.index("activation")])
    return Accounting(
        population="cycles finished in the window",
        n=n,
        total_ns=time,
        mean_ns=means([time], n)[0],
        parts=parts,
        activation=_row("activation", activation, total(activation), means([total(activation)], n)[0], time),
        activities=_activities(table, measured, time, n),
        stages=_stages(table, measured, time, n),
    )


def _parts(table: Table, measured: Bools, time: int, n: int) -> list[Row]:
    parts = table.cycles.parts[measured][:, [PARTS.index(name) for name in _ADDING_UP]]
    times = table.cycles.time[measured]
    rest = times
    for column in parts.T:
        rest = np.where((column == NULL) | (rest < 0), rest, rest - column)
    is_sound = rest >= 0  # a part whose mark lies outside of the cycle is none of its time
    columns = [_column(np.where(is_sound, column, NULL)) for column in parts.T]
    rest = np.where(is_sound, rest, times)
    columns.append(rest[rest > 0])
    totals = [total(column) for column in columns]
    names = (*_ADDING_UP, NOT_TOLD_APART)
    rows = zip(names, columns, totals, means(totals, n), strict=True)
    found = [_row(name, column, owned, mean, time) for name, column, owned, mean in rows]
    return found if totals[-1] else found[:-1]


def _activities(table: Table, measured: Bools, time: int, n: int) -> list[Row]:
    columns = list(table.cycles.activity[measured].T)
    totals = [total(column) for column in columns]
    rows = zip(ACTIVITIES, columns, totals, means(totals, n), strict=True)
    return [_row(name, column[column > 0], owned, mean, time) for name, column, owned, mean in rows]


def _column(lengths: Int64s) -> Int64s:
    known: Int64s = lengths[lengths != NULL]
    return known


def _row(name: str, lengths: Int64s, owned: int, mean: int, time: int) -> Row:
    return Row(name, owned, mean, share_of(owned, time), len(lengths), quantile(lengths, P50), quantile(lengths, P85))


def share_of(part: int, whole: int) -> float | None:
    """A share of time, ``None`` of no time."""
    return part / whole if whole else None


def _stages(table: Table, measured: Bools, time: int, n: int) -> list[StageRow]:
    groups = _owned_by_group(table, measured)
    runs, unsuccessful = _runs_by_name(table, measured)
    nothing = quantile(np.empty(0, dtype=np.int64))
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
                p50=quantile(lengths, P50) if is_shown else nothing,
                p85=quantile(lengths, P85) if is_shown else nothing,
                runs=runs.get(stage, 0) if stage is not None else 0,
                unsuccessful=unsuccessful.get(stage, 0) if stage is not None else 0,
            )
        )
    shown, others = rows[:MOST_STAGES], rows[MOST_STAGES:]
    return [*shown, _merged(others, time, nothing)] if others else shown


def _merged(rows: list[StageRow], time: int, nothing: Quantile) -> StageRow:
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
        p50=nothing,
        p85=nothing,
        runs=sum(row.runs for row in rows),
        unsuccessful=sum(row.unsuccessful for row in rows),
    )


Group = tuple[str | None, str | None]
"""A stage, or, without one, an activity."""


def _owned_by_group(table: Table, measured: Bools) -> dict[Group, tuple[Int64s, int, int]]:
    """What each group owned: its length in each cycle that has it, the total, and how much of it was work."""
    owned = table.owned
    rows = np.flatnonzero(measured[owned.cycle])
    if not len(rows):
        return {}
    # Groups without a stage are numbered below those with one.
    group = np.where(owned.stage >= 0, owned.stage + len(ACTIVITIES), owned.activity)
    rows = rows[np.argsort(group[rows], kind="stable")]  # the rows of a cycle stay together
    cycle, group, activity, length = owned.cycle[rows], group[rows], owned.activity[rows], owned.length[rows]
    is_first = np.ones(len(group), dtype=np.bool_)
    is_first[1:] = (group[1:] != group[:-1]) | (cycle[1:] != cycle[:-1])
    firsts = np.flatnonzero(is_first)
    per_cycle = np.add.reduceat(length, firsts)
    is_work = np.array([name.startswith("work.") for name in ACTIVITIES])[activity]
    bounds = np.flatnonzero(np.diff(group[firsts], prepend=-1))
    found: dict[Group, tuple[Int64s, int, int]] = {}
    for first, behind in zip(bounds, [*bounds[1:], len(firsts)], strict=True):
        begin, end = firsts[first], firsts[behind] if behind < len(firsts) else len(group)
        code = int(group[begin])
        is_stage = code >= len(ACTIVITIES)
        key: Group = (table.names[code - len(ACTIVITIES)], None) if is_stage else (None, ACTIVITIES[code])
        lengths = per_cycle[first:behind]
        found[key] = lengths, total(lengths), total(np.where(is_work[begin:end], length[begin:end], 0))
    return found


def owned_totals(table: Table, measured: Bools) -> dict[Group, int]:
    """How much (ns) each stage owned of these cycles, and each activity without a stage."""
    return {group: owned for group, (_, owned, _) in _owned_by_group(table, measured).items()}


def _runs_by_name(table: Table, measured: Bools) -> tuple[dict[str, int], dict[str, int]]:
    """How many runs each stage had, and how many of them ended, but not well."""
    runs = table.runs
    rows = measured[runs.cycle]
    successes = [-1, *(STAGE_OUTCOMES.index(outcome) for outcome in SUCCESSES)]
    failed = rows & ~np.isin(runs.outcome, successes)
    return _count_names(table, runs.name[rows]), _count_names(table, runs.name[failed])


def _count_names(table: Table, codes: Codes) -> dict[str, int]:
    counts = np.bincount(codes, minlength=len(table.names))
    return {name: int(count) for name, count in zip(table.names, counts, strict=True) if count}
