"""The facts as columns of numbers: what everything in a report is computed from.

A row of ``Cycles`` is a cycle. Rows of runs, steps, waits and owned time are there only for cycles whose details a
report can need, so that a million cycles fit into memory.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from cycletrace.report.sums import Bools, Int64s

NULL: Final = int(np.iinfo(np.int64).min)
"""What a column of instants or lengths holds where the facts have ``None``."""

Codes = NDArray[np.int32]


@dataclass(frozen=True)
class Cycles:
    """A row for each cycle. Codes index the table's lists of names; lengths and instants are ns, NULL where unknown."""

    ids: list[str]
    model: Codes
    domain: Codes
    trigger: Codes
    outcome: Codes
    """Index into ``CYCLE_OUTCOMES``."""
    counted: Bools
    """Whether it counts in a population: an implicit cycle only once it has a ``selected`` mark."""
    has_details: Bools
    mechanism: Codes
    """How it was taken into use, -1 where unknown, and without details."""
    hands_free: Codes
    """Whether no manual step began between ``selected`` and the finish; -1 where either is unknown, and without
    details."""
    finish: Int64s
    """``in_use`` where known, else the mark ``deployed`` where that is the outcome."""
    time: Int64s
    last: Int64s
    """Of an open cycle: the latest instant that the facts tell."""
    manual: Int64s
    """How much of the cycle time was the work of manual steps; 0 without details."""
    marks: Int64s
    """Columns as ``MARKS``."""
    parts: Int64s
    """Columns as ``PARTS``."""
    activity: Int64s
    """Columns as ``ACTIVITIES``; zeros where ``time`` is unknown, and without details."""


@dataclass(frozen=True)
class Runs:
    """A row for each run of a stage of a cycle with details. ``cycle`` is the row of its cycle."""

    cycle: Codes
    name: Codes
    kind: Codes
    """Index into ``KINDS``."""
    outcome: Codes
    """Index into ``STAGE_OUTCOMES``, -1 while it runs."""
    actor: Codes
    launch: Codes
    length: Int64s
    """NULL while it runs, and where it ends before it starts."""


@dataclass(frozen=True)
class Steps:
    """A row for each manual step of a cycle with details."""

    cycle: Codes
    name: Codes
    actor: Codes
    launch: Codes
    person: Codes
    """-1 where nobody is named."""
    taken_up: Int64s
    """How long it stood waiting to be taken up."""


@dataclass(frozen=True)
class Waits:
    """A row for each wait of a cycle with details. ``reason`` is an index into ``REASONS``; ``length`` as of runs."""

    cycle: Codes
    reason: Codes
    length: Int64s


@dataclass(frozen=True)
class Owned:
    """A row for each owner of a cycle with details, those of a cycle together."""

    cycle: Codes
    stage: Codes
    """-1 for waits of the cycle and what nothing explains."""
    activity: Codes
    """Index into ``ACTIVITIES``."""
    length: Int64s


@dataclass(frozen=True)
class Table:
    """The facts as columns, and the names behind the codes."""

    cycles: Cycles
    runs: Runs
    steps: Steps
    waits: Waits
    owned: Owned
    models: list[str | None]
    domains: list[str | None]
    triggers: list[str]
    names: list[str]
    people: list[str]
    mechanisms: list[str]
    unreadable: int
    """Cycles left out since an instant is beyond what a date can be."""
