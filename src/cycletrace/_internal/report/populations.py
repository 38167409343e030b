"""The populations of a report: the cycles that its figures are about, and their numbers.

All figures are about the cycles of one trigger, ideas unless asked otherwise, or of all; other triggers are counted
beside them. An open cycle is stale, and not work in progress, once nothing has been known of it for 30 days.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cycletrace import conventions as c
from cycletrace._internal.flow import Facts
from cycletrace._internal.report.columns import NULL, Columns, CycleColumns
from cycletrace._internal.report.quantiles import Quantile, quantile
from cycletrace._internal.report.sums import Bools, Int64s, count
from cycletrace._internal.report.windows import Window

ANY_TRIGGER = "all"
"""Stands for every trigger."""
STALE_NS = 30 * 86400 * 10**9

UNFINISHED = (c.FAILED, c.ABANDONED, c.SUPERSEDED, c.ROLLED_BACK)
"""The outcomes of cycles that closed without having finished."""


@dataclass(frozen=True)
class Populations:
    """Rows of :class:`CycleColumns` as masks; all are of the report's trigger, and counted."""

    all_of_trigger: Bools
    finished: Bools
    """Finished in the window."""
    measured: Bools
    """Finished in the window, with a cycle time: all figures on where time goes are about these."""
    before: Bools
    """Finished in the window before, with a cycle time."""
    closed: Bools
    """Closed in the window without having finished, at a known instant."""
    is_open: Bools
    """Open now, and not stale."""
    stale: Bools


@dataclass(frozen=True)
class TriggerCount:
    """The cycles of one trigger: how many finished in the window, with their median cycle time, and are open now."""

    trigger: str
    finished: int
    open: int
    median: Quantile


@dataclass(frozen=True)
class Counts:
    """The number of cycles of each sort. ``known`` counts all cycles in the facts, at any time."""

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
    """Closed in the window without having finished, by outcome."""
    by_trigger: list[TriggerCount]


def within(instants: Int64s, begin: int | None, end: int | None) -> Bools:
    """Return which instants are known and lie in ``[begin, end)``; a bound of ``None`` is no bound."""
    mask: Bools = instants != NULL
    if begin is not None:
        mask = mask & (instants >= begin)
    if end is not None:
        mask = mask & (instants < end)
    return mask


def end_of_interval(cycles: CycleColumns) -> Int64s:
    """Return the end of each cycle's interval, ``started`` plus the cycle time; :data:`NULL` where unknown."""
    is_known = (cycles.time != NULL) & (cycles.marks[:, 0] != NULL)
    return np.where(is_known, cycles.marks[:, 0] + np.where(is_known, cycles.time, 0), NULL)


def populations(columns: Columns, window: Window, as_of: int, trigger: str) -> Populations:
    """Return the populations of a report on one trigger in one window, as of an instant (UTC ns)."""
    cycles = columns.cycles
    of_trigger = cycles.is_counted & _has_trigger(columns, trigger)
    has_time = cycles.time != NULL
    is_finished = cycles.finish != NULL
    finished = of_trigger & within(cycles.finish, window.begin, window.end)
    nobody = np.zeros(len(cycles.ids), dtype=np.bool_)
    previous = nobody if window.begin is None else within(cycles.finish, window.before, window.begin)
    is_unfinished = np.isin(cycles.outcome, [c.CYCLE_OUTCOMES.index(outcome) for outcome in UNFINISHED]) & ~is_finished
    is_open = of_trigger & (cycles.outcome == c.CYCLE_OUTCOMES.index(c.OPEN)) & ~is_finished
    is_silent = as_of - cycles.last >= STALE_NS
    return Populations(
        all_of_trigger=of_trigger,
        finished=finished,
        measured=finished & has_time,
        before=of_trigger & has_time & previous,
        closed=of_trigger & is_unfinished & within(end_of_interval(cycles), window.begin, window.end),
        is_open=is_open & ~is_silent,
        stale=is_open & is_silent,
    )


def counts_of(columns: Columns, chosen: Populations, window: Window) -> Counts:
    """Return how many cycles there are of each sort."""
    cycles = columns.cycles
    outcomes = {outcome: cycles.outcome == c.CYCLE_OUTCOMES.index(outcome) for outcome in c.CYCLE_OUTCOMES}
    return Counts(
        known=len(cycles.ids) + columns.unreadable,
        implicit_left_out=count(~cycles.is_counted),
        unreadable=columns.unreadable,
        finished=count(chosen.finished),
        finished_use_unknown=count(chosen.finished & outcomes[c.DEPLOYED]),
        finished_rolled_back=count(chosen.finished & outcomes[c.ROLLED_BACK]),
        finished_time_unknown=count(chosen.finished & ~chosen.measured),
        finished_before=count(chosen.before),
        open=count(chosen.is_open),
        stale=count(chosen.stale),
        closed={outcome: count(chosen.closed & outcomes[outcome]) for outcome in UNFINISHED},
        by_trigger=_by_trigger(columns, window, outcomes[c.OPEN]),
    )


def _by_trigger(columns: Columns, window: Window, is_open: Bools) -> list[TriggerCount]:
    cycles = columns.cycles
    finished = cycles.is_counted & within(cycles.finish, window.begin, window.end)
    rows = []
    for trigger in sorted(columns.triggers):
        has_trigger = _has_trigger(columns, trigger)
        times = cycles.time[finished & has_trigger]
        rows.append(
            TriggerCount(
                trigger=trigger,
                finished=len(times),
                open=count(cycles.is_counted & is_open & has_trigger),
                median=quantile(times[times != NULL]),
            )
        )
    return sorted(rows, key=lambda row: -row.finished)


def is_about(facts: Facts, trigger: str) -> bool:
    """Return whether a report on this trigger, or on :data:`ANY_TRIGGER`, is about a cycle."""
    return trigger in {ANY_TRIGGER, facts["trigger"]}


def _has_trigger(columns: Columns, trigger: str) -> Bools:
    if trigger == ANY_TRIGGER:
        return np.ones(len(columns.cycles.ids), dtype=np.bool_)
    if trigger not in columns.triggers:
        return np.zeros(len(columns.cycles.ids), dtype=np.bool_)
    mask: Bools = columns.cycles.trigger == columns.triggers.index(trigger)
    return mask
