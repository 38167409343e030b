"""Teams, models and domains side by side: the same figures for each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cycletrace._internal.flow import CycleTarget
from cycletrace._internal.report.attainment import Attainment, attainment
from cycletrace._internal.report.columns import Columns
from cycletrace._internal.report.populations import Populations
from cycletrace._internal.report.proportions import Share, share
from cycletrace._internal.report.quantiles import P50, P85, Quantile, quantile
from cycletrace._internal.report.sums import Bools, Codes, count
from cycletrace._internal.report.windows import Window

MOST_GROUPS = 30
"""The largest number of groups of a sort, those with the most cycles; the others are only counted."""


@dataclass(frozen=True)
class GroupRow:
    """The figures of one group. ``name`` is ``None`` for cycles without a model or domain."""

    name: str | None
    finished: int
    open: int
    closed: int
    """Closed without having finished."""
    median: Quantile
    p85: Quantile
    attainment: Attainment
    hands_free: Share


@dataclass(frozen=True)
class Grouping:
    """The groups of one sort, the one with most finished cycles first; ``left_out`` more are not listed."""

    rows: list[GroupRow]
    left_out: int


@dataclass(frozen=True)
class Groups:
    """The cycles by namespace, by model and by domain."""

    population: str
    namespaces: Grouping
    models: Grouping
    domains: Grouping


def groups(columns: Columns, chosen: Populations, window: Window, as_of: int, target: CycleTarget) -> Groups:
    """Return the figures of each namespace, model and domain."""
    cycles = columns.cycles

    def grouping(codes: Codes, names: Sequence[str | None]) -> Grouping:
        in_window = chosen.finished | chosen.closed | chosen.is_open
        sizes = np.bincount(codes[in_window], minlength=len(names))
        finished = np.bincount(codes[chosen.finished], minlength=len(names))
        order = sorted(
            (code for code in range(len(names)) if sizes[code]),
            key=lambda code: (-finished[code], -sizes[code], names[code] or ""),
        )
        rows = [
            _row(columns, chosen, codes == code, names[code], window, as_of, target) for code in order[:MOST_GROUPS]
        ]
        return Grouping(rows, len(order) - len(rows))

    return Groups(
        population="cycles finished or closed in the window, and those open now",
        namespaces=grouping(cycles.namespace, columns.namespaces),
        models=grouping(cycles.model, columns.models),
        domains=grouping(cycles.domain, columns.domains),
    )


def _row(
    columns: Columns,
    chosen: Populations,
    group: Bools,
    name: str | None,
    window: Window,
    as_of: int,
    target: CycleTarget,
) -> GroupRow:
    times = columns.cycles.time[chosen.measured & group]
    hands_free = columns.cycles.hands_free[chosen.measured & group]
    return GroupRow(
        name=name,
        finished=count(chosen.finished & group),
        open=count(chosen.is_open & group),
        closed=count(chosen.closed & group),
        median=quantile(times, P50),
        p85=quantile(times, P85),
        attainment=attainment(columns, chosen.all_of_trigger & group, window, as_of, target),
        hands_free=share(count(hands_free == 1), count(hands_free >= 0)),
    )
