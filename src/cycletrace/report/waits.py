"""What finished cycles waited for."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cycletrace.conventions import ACTIVITIES, REASONS
from cycletrace.report.accounting import share_of
from cycletrace.report.columns import NULL, Table
from cycletrace.report.sums import Bools, total


@dataclass(frozen=True)
class WaitRow:
    """The waits for one reason: ``total_ns`` is their length as told, ``owned_ns`` by how much they held cycles up."""

    reason: str
    count: int
    total_ns: int
    longest_ns: int | None
    owned_ns: int
    share: float | None
    """Of the time of all cycles: what they owned."""


@dataclass(frozen=True)
class Waits:
    """The waits of n cycles, by reason; what owned most comes first. Reasons that nobody gave are left out."""

    population: str
    n: int
    reasons: list[WaitRow]


def waits(table: Table, measured: Bools) -> Waits:
    """What these cycles waited for. Waits that end before they start are counted with a length of nothing."""
    time = total(table.cycles.time[measured])
    rows = measured[table.waits.cycle]
    reason, length = table.waits.reason[rows], table.waits.length[rows]
    found = []
    for code, name in enumerate(REASONS):
        lengths = length[reason == code]
        known = lengths[lengths != NULL]
        owned = total(table.cycles.activity[measured, ACTIVITIES.index(f"wait.{name}")])
        if len(lengths):
            longest = int(np.max(known)) if len(known) else None
            found.append(WaitRow(name, len(lengths), total(known), longest, owned, share_of(owned, time)))
    found.sort(key=lambda row: (-row.owned_ns, -row.total_ns, row.reason))
    return Waits("cycles finished in the window", int(np.count_nonzero(measured)), found)
