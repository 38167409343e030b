"""The waits of finished cycles, by reason."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cycletrace import conventions as c
from cycletrace._internal.report.columns import NULL, Columns
from cycletrace._internal.report.sums import Bools, count, share_of, total


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
class Waits:
    """The waits of n cycles by reason, the reason that owned most time first; reasons without a wait are left out."""

    population: str
    n: int
    reasons: list[WaitRow]


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
    return Waits("cycles finished in the window", count(measured), found)
