"""Which cycles a figure is about.

Implicit cycles count only once they have a ``selected`` mark. Finished are those that reached ``in_use``, or whose
outcome is ``deployed``. Headline and attainment are about one trigger, ideas unless asked otherwise; the others stand
beside. Stale are those open whose facts tell nothing of the last 30 days; they are no work in progress.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cycletrace.conventions import ABANDONED, CYCLE_OUTCOMES, DEPLOYED, FAILED, OPEN, ROLLED_BACK, SUPERSEDED
from cycletrace.report.columns import NULL, Cycles, Table
from cycletrace.report.quantiles import Quantile, quantile
from cycletrace.report.sums import Bools, Int64s
from cycletrace.report.windows import Window

STALE_NS = 30 * 86400 * 10**9

UNFINISHED = (FAILED, ABANDONED, SUPERSEDED, ROLLED_BACK)
"""How a cycle can be closed without having finished."""


@dataclass(frozen=True)
class Populations:
    """Rows of the table's cycles, as masks. All but ``counted`` are of the report's trigger."""

    counted: Bools
    main: Bools
    finished: Bools
    """Finished in the window."""
    measured: Bools
    """Of these, those with a cycle time: all figures on where time went are about them."""
    before: Bools
    """Finished in the window before, with a cycle time."""
    closed: Bools
    """Closed in the window without having finished, with a known end."""
    is_open: Bools
    """Open now, not stale."""
    stale: Bools


@dataclass(frozen=True)
class TriggerCount:
    """The cycles of one trigger: how many finished in the window, with their median cycle time."""

    trigger: str
    finished: int
    open: int
    median: Quantile


@dataclass(frozen=True)
class Counts:
    """How many cycles there are of each sort. ``known`` is all that the facts tell of, at any time."""

    known: int
    implicit_left_out: int
    unreadable: int
    finished: int
    finished_use_unknown: int
    """Of the finished: deployed and settled, without a known first use."""
    finished_rolled_back: int
    """Of the finished: rolled back since."""
    finished_time_unknown: int
    """Of the finished: without a known start, or with one after the end."""
    finished_before: int
    """In the window before, with a cycle time."""
    open: int
    stale: int
    closed: dict[str, int]
    """By outcome, those closed in the window without having finished."""
    by_trigger: list[TriggerCount]


def within(instants: Int64s, begin: int | None, end: int | None) -> Bools:
    """Whether each known instant lies in ``[begin, end)``."""
    mask: Bools = instants != NULL
    if begin is not None:
        mask = mask & (instants >= begin)
    if end is not None:
        mask = mask & (instants < end)
    return mask


def closed_at(cycles: Cycles) -> Int64s:
    """The end of each cycle's interval: ``started`` and the cycle time after; :data:`NULL` where unknown."""
    is_known = (cycles.time != NULL) & (cycles.marks[:, 0] != NULL)
    return np.where(is_known, cycles.marks[:, 0] + np.where(is_known, cycles.time, 0), NULL)


def populations(table: Table, window: Window, as_of: int, trigger: str) -> Populations:
    """The populations of a report on one trigger in one window."""
    cycles = table.cycles
    main = cycles.counted & _is_trigger(table, trigger)
    has_time = cycles.time != NULL
    is_finished = cycles.finish != NULL
    finished = main & within(cycles.finish, window.begin, window.end)
    nobody = np.zeros(len(cycles.ids), dtype=np.bool_)
    previous = nobody if window.begin is None else within(cycles.finish, window.before, window.begin)
    is_unfinished = np.isin(cycles.outcome, [CYCLE_OUTCOMES.index(outcome) for outcome in UNFINISHED]) & ~is_finished
    is_open = main & (cycles.outcome == CYCLE_OUTCOMES.index(OPEN)) & ~is_finished
    silent = as_of - cycles.last >= STALE_NS
    return Populations(
        counted=cycles.counted,
        main=main,
        finished=finished,
        measured=finished & has_time,
        before=main & has_time & previous,
        closed=main & is_unfinished & within(closed_at(cycles), window.begin, window.end),
        is_open=is_open & ~silent,
        stale=is_open & silent,
    )


def counts_of(table: Table, chosen: Populations, window: Window) -> Counts:
    """How many cycles there are of each sort."""
    cycles = table.cycles
    outcomes = {outcome: cycles.outcome == CYCLE_OUTCOMES.index(outcome) for outcome in CYCLE_OUTCOMES}
    return Counts(
        known=len(cycles.ids) + table.unreadable,
        implicit_left_out=_count(~cycles.counted),
        unreadable=table.unreadable,
        finished=_count(chosen.finished),
        finished_use_unknown=_count(chosen.finished & outcomes[DEPLOYED]),
        finished_rolled_back=_count(chosen.finished & outcomes[ROLLED_BACK]),
        finished_time_unknown=_count(chosen.finished & ~chosen.measured),
        finished_before=_count(chosen.before),
        open=_count(chosen.is_open),
        stale=_count(chosen.stale),
        closed={outcome: _count(chosen.closed & outcomes[outcome]) for outcome in UNFINISHED},
        by_trigger=_by_trigger(table, window, outcomes[OPEN]),
    )


def _by_trigger(table: Table, window: Window, is_open: Bools) -> list[TriggerCount]:
    cycles = table.cycles
    finished = cycles.counted & within(cycles.finish, window.begin, window.end)
    found = []
    for trigger in sorted(table.triggers):
        is_of_it = _is_trigger(table, trigger)
        times = cycles.time[finished & is_of_it]
        found.append(
            TriggerCount(
                trigger=trigger,
                finished=len(times),
                open=_count(cycles.counted & is_open & is_of_it),
                median=quantile(times[times != NULL]),
            )
        )
    return sorted(found, key=lambda row: -row.finished)


def _is_trigger(table: Table, trigger: str) -> Bools:
    if trigger not in table.triggers:
        return np.zeros(len(table.cycles.ids), dtype=np.bool_)
    mask: Bools = table.cycles.trigger == table.triggers.index(trigger)
    return mask


def _count(mask: Bools) -> int:
    return int(np.count_nonzero(mask))
