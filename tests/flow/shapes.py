"""Large cycles of one shape each, with what they come to: for what a fold costs, and that it stays right.

Each shape is made for any n; ``expected`` is worked out in closed form: the number of owners and the sums of
the activities that have any time.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from tests.flow.build import beat, close, stage, wait

from cycletrace._internal.flow import Record
from cycletrace.conventions import REASONS

WORK = "work.automation"
NOBODY = "unexplained"


class Large(NamedTuple):
    """The records of one cycle, the instant to look at, the number of owners, the activities."""

    records: list[Record]
    at: int
    owners: int
    activities: dict[str, int]


def sequence(n: int) -> Large:
    """One after the other, with a gap of the same length between them."""
    records = [stage(f"s{i}", 2 * i, 2 * i + 1) for i in range(n)]
    return Large([*records, close("failed", 2 * n)], 2 * n, 2 * n, {WORK: n, NOBODY: n})


def overlapping(n: int) -> Large:
    """Each begins a little later than the one before, and all overlap."""
    records = [stage(f"s{i}", i, n + i) for i in range(n)]
    # The last one reaches furthest, from n - 1; of all that run there the first one ends soonest.
    return Large([*records, close("failed", 2 * n - 1)], 2 * n, 2, {WORK: 2 * n - 1})


def tied(n: int) -> Large:
    """All begin and end alike."""
    records = [stage(f"s{i}", 0, 100) for i in range(n)]
    return Large([*records, close("failed", 100)], 100, 1, {WORK: 100})


def within(n: int) -> Large:
    """Each lies within the one before by time, which contains nothing."""
    records = [stage(f"s{i}", i, 2 * n - i) for i in range(n)]
    return Large([*records, close("failed", 2 * n)], 2 * n, 1, {WORK: 2 * n})


def nested(n: int) -> Large:
    """Each is contained by the one before: a chain as deep as there are stages."""
    records = [stage(f"s{i}", i, 2 * n - i, parent=f"s{i - 1}") for i in range(n)]
    return Large([*records, close("failed", 2 * n)], 2 * n, 2 * n - 1, {WORK: 2 * n})


def chained_apart(n: int) -> Large:
    """A chain as deep as there are stages, none of which runs while another does: nothing melts together."""
    records = [stage(f"s{i}", 2 * i, 2 * i + 1, parent=f"s{i - 1}") for i in range(n)]
    return Large([*records, close("failed", 2 * n)], 2 * n, 2 * n, {WORK: n, NOBODY: n})


def comb(n: int) -> Large:
    """A deep chain that runs all the time, each of it with a short leaf."""
    half = n // 2
    spine = [stage(f"s{i}", 0, 3 * half, parent=f"s{i - 1}") for i in range(half)]
    leaves = [stage(f"l{i}", 3 * i + 1, 3 * i + 2, parent=f"s{i}") for i in range(half)]
    # Of the spine only the deepest works, and only where its own leaf does not.
    return Large([*spine, *leaves, close("failed", 3 * half)], 3 * half, 3, {WORK: 3 * half})


def caterpillar(n: int) -> Large:
    """A deep chain of which none runs while another does, each of it with a short leaf beside the next one."""
    half = n // 2
    spine = [stage(f"s{i}", 4 * i, 4 * i + 1, parent=f"s{i - 1}") for i in range(half)]
    leaves = [stage(f"l{i}", 4 * i + 2, 4 * i + 3, parent=f"s{i}") for i in range(half)]
    records = [*spine, *leaves, close("failed", 4 * half)]
    return Large(records, 4 * half, 4 * half, {WORK: 2 * half, NOBODY: 2 * half})


def star(n: int) -> Large:
    """One stage contains all others."""
    children = [stage(f"s{i}", 4 * i + 1, 4 * i + 2, parent="all") for i in range(n)]
    records = [stage("all", 0, 4 * n), *children, close("failed", 4 * n)]
    return Large(records, 4 * n, 2 * n + 1, {WORK: 4 * n})


def waits_over_children(n: int) -> Large:
    """One stage with many own waits, each over nearly all of its many children."""
    half = n // 2
    children = [stage(f"s{i}", 4 * i + 1, 4 * i + 2, parent="all") for i in range(half)]
    waits = [wait("data", i, 4 * half - i, id=f"w{i}", stage="all") for i in range(half)]
    records = [stage("all", 0, 4 * half), *children, *waits, close("failed", 4 * half)]
    return Large(records, 4 * half, 2 * half + 1, {WORK: half, "wait.data": 3 * half})


def own_waits(n: int) -> Large:
    """One stage that stands still again and again, for every reason."""
    reasons = [REASONS[i % len(REASONS)] for i in range(n)]
    waits = [wait(reason, 2 * i, 2 * i + 1, id=f"w{i}", stage="all") for i, reason in enumerate(reasons)]
    sums = {f"wait.{reason}": reasons.count(reason) for reason in REASONS}
    return Large([stage("all", 0, 2 * n), *waits, close("failed", 2 * n)], 2 * n, 2 * n, {WORK: n, **sums})


def cycle_waits(n: int) -> Large:
    """Waits of the cycle, all overlapping, all unclosed."""
    records = [wait("data", i, id=f"w{i}") for i in range(n)]
    return Large([*records, close("failed", n)], n, 1, {"wait.data": n})


def running(n: int) -> Large:
    """All still run."""
    return Large([stage(f"s{i}", i) for i in range(n)], 2 * n, n, {WORK: 2 * n})


def lost(n: int) -> Large:
    """All are lost, each with a heartbeat and a wait of its own."""
    half = n // 2
    starts = [stage(f"s{i}", 4 * i) for i in range(half)]
    beats = [beat(f"s{i}", 4 * i + 2) for i in range(half)]
    waits = [wait("compute", 4 * i + 1, id=f"w{i}", stage=f"s{i}") for i in range(half)]
    records = [*starts, *beats, *waits, close("failed", 4 * half)]
    return Large(records, 4 * half, 3 * half, {WORK: half, "wait.compute": half, NOBODY: 2 * half})


def looping(n: int) -> Large:
    """All are on one looping chain."""
    records = [stage(f"s{i}", 2 * i, 2 * i + 1, parent=f"s{(i + 1) % n}") for i in range(n)]
    return Large([*records, close("failed", 2 * n)], 2 * n, 2 * n, {WORK: n, NOBODY: n})


def repeated(n: int) -> Large:
    """One stage, folded again and again."""
    starts = [stage("s", i) for i in range(n // 2)]
    ends = [stage("s", 0, i) for i in range(n // 2, n)]
    return Large([*starts, *ends, close("failed", n)], n, 2, {WORK: n - 1, NOBODY: 1})


SHAPES: tuple[Callable[[int], Large], ...] = (
    sequence,
    overlapping,
    tied,
    within,
    nested,
    chained_apart,
    comb,
    caterpillar,
    star,
    waits_over_children,
    own_waits,
    cycle_waits,
    running,
    lost,
    looping,
    repeated,
)
