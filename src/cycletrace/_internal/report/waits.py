"""The waits of finished cycles, by reason and by team."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cycletrace import conventions as c
from cycletrace._internal.report.columns import NULL, Columns
from cycletrace._internal.report.groups import MOST_GROUPS
from cycletrace._internal.report.sums import Bools, count, means, share_of, total


@dataclass(frozen=True)
class WaitRow:
    """The waits for one reason: ``total_ns`` is their length, ``owned_ns`` the time by which they held cycles up."""

    reason: str
    count: int
    total_ns: int
    longest_ns: int | None
    owned_ns: int
    share: float | None
    """``owned_ns`` as a share of the time of all cycles."""


@dataclass(frozen=True)
class TeamWaits:
    """How long waits held up the n cycles of a team: on average, for each reason of the report. The means add up."""

    team: str
    n: int
    mean_ns: int
    by_reason_ns: dict[str, int]


@dataclass(frozen=True)
class Waits:
    """The waits of n cycles by reason, the reason that owned most time first; reasons without a wait are left out.

    ``teams`` are those with the most cycles, the one that waits held up most, on average, first. ``teams_left_out`` are
    not listed.
    """

    population: str
    n: int
    reasons: list[WaitRow]
    teams: list[TeamWaits]
    teams_left_out: int


def waits(columns: Columns, measured: Bools) -> Waits:
    """Return what these cycles waited for. A wait that ends before it starts counts, with a length of 0."""
    time = total(columns.cycles.time[measured])
    rows = measured[columns.waits.cycle]
    reason, length = columns.waits.reason[rows], columns.waits.length[rows]
    found = []
    for code, name in enumerate(c.REASONS):
        lengths = length[reason == code]
        known = lengths[lengths != NULL]
        owned = total(columns.cycles.activity[measured, c.ACTIVITIES.index(f"wait.{name}")])
        if len(lengths):
            longest = int(np.max(known)) if len(known) else None
            found.append(WaitRow(name, len(lengths), total(known), longest, owned, share_of(owned, time)))
    found.sort(key=lambda row: (-row.owned_ns, -row.total_ns, row.reason))
    reasons = [row.reason for row in found]
    names = columns.namespaces
    sizes = np.bincount(columns.cycles.namespace[measured], minlength=len(names))
    largest = sorted(np.flatnonzero(sizes).tolist(), key=lambda code: (-sizes[code], names[code]))
    teams = [
        _of_team(columns, measured & (columns.cycles.namespace == code), names[code], reasons)
        for code in largest[:MOST_GROUPS]
    ]
    teams.sort(key=lambda team: (-team.mean_ns, team.team))
    return Waits("cycles finished in the window", count(measured), found, teams, len(largest) - len(teams))


def _of_team(columns: Columns, cycles: Bools, team: str, reasons: list[str]) -> TeamWaits:
    n = count(cycles)
    owned = columns.cycles.activity[cycles]
    totals = [total(owned[:, c.ACTIVITIES.index(f"wait.{reason}")]) for reason in reasons]
    by_reason = dict(zip(reasons, means(totals, n), strict=True))
    return TeamWaits(team, n, sum(by_reason.values()), by_reason)
