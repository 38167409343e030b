"""The next thing to automate: history replayed without one wait or one stage, or with no time in a manual step.

A stage is removed together with the stages that it contains.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from heapq import heappush, heapreplace
from zlib import crc32

import numpy as np

from cycletrace import conventions as c
from cycletrace._internal.flow import Facts
from cycletrace._internal.flow.pieces import Piece
from cycletrace._internal.report.quantiles import P50, P85, Quantile, quantile
from cycletrace._internal.report.replay import PastCycle, past_cycle, replay
from cycletrace._internal.report.sums import means

MOST_CYCLES = 500
"""The largest number of cycles that are replayed, those whose ids have the smallest checksums: random, but stable."""
MOST_CHANGES = 30
"""The largest number of changes that are tried: those that concern the most time."""

ASSUMPTIONS = (
    "The model: whatever began after something else had ended is assumed to have waited for it; gaps keep their "
    "length, and what overlapped still overlaps. No time in a manual step also means no standstill before it."
)

WAIT, STAGE, STEP, ALL_STEPS = "without the wait", "without the stage", "done at once", "all manual steps at once"


@dataclass(frozen=True)
class Change:
    """One change to history, and the cycle times that it would have given.

    ``kind`` is one of ``without the wait``, ``without the stage``, ``done at once`` (a manual step) and ``all manual
    steps at once``. ``stage`` is ``None`` for a wait of the cycle, ``reason`` is set for waits only.
    ``activity_after_ns`` are the means that the activities would own; they add up to ``mean_after_ns``.
    """

    kind: str
    stage: str | None
    reason: str | None
    cycles: int
    """The number of replayed cycles that it changes."""
    mean_after_ns: int
    saved_ns: int
    """The difference to the mean of all replayed cycles."""
    saved_share: float | None
    team: str | None
    """The team to whose cycles most of the saving belongs, ``None`` if nothing is saved."""
    team_share: float | None
    """Their share of the saving."""
    p50_after: Quantile
    p85_after: Quantile
    activity_after_ns: dict[str, int]


@dataclass(frozen=True)
class WhatIf:
    """The changes, the one that saves most first; ``n`` of ``n_finished`` cycles were replayed."""

    population: str
    assumptions: str
    n: int
    n_finished: int
    mean_ns: int
    p50: Quantile
    p85: Quantile
    changes: list[Change]


class Sample:
    """The facts of up to :data:`MOST_CYCLES` cycles, the same ones in whatever order cycles come."""

    def __init__(self) -> None:
        self._kept: list[tuple[int, str, Facts]] = []
        self.seen = 0

    def add(self, facts: Facts) -> None:
        """Take this cycle into account; keep it if it belongs to the sample."""
        self.seen += 1
        cycle_id = facts["cycle_id"]
        # A heap with the greatest checksum first: that cycle leaves the sample next.
        entry = (-crc32(cycle_id.encode("utf-8", "surrogatepass")), cycle_id, facts)
        if len(self._kept) < MOST_CYCLES:
            heappush(self._kept, entry)
        elif entry[:2] > self._kept[0][:2]:
            heapreplace(self._kept, entry)

    def facts(self) -> list[Facts]:
        """Return the facts that were kept, by id."""
        return [facts for _, _, facts in sorted(self._kept, key=lambda entry: entry[1])]


_Key = tuple[str, str | None, str | None]


def what_if(finished: Sequence[Facts], n_finished: int) -> WhatIf:
    """Replay finished cycles, each with a cycle time, with one change at a time."""
    cycles = [past_cycle(facts) for facts in finished]
    times = [cycle.end - cycle.started for cycle in cycles]
    candidates = _candidates(cycles)
    teams = [facts["namespace"] for facts in finished]
    changes = [_change(key, found, cycles, times, teams) for key, found in candidates.items()]
    changes = [change for change in changes if change.saved_ns > 0]
    changes.sort(key=lambda change: (-change.saved_ns, change.kind, change.stage or "", change.reason or ""))
    before = np.array(times, dtype=np.int64)
    return WhatIf(
        population="cycles finished in the window",
        assumptions=ASSUMPTIONS,
        n=len(cycles),
        n_finished=n_finished,
        mean_ns=means([sum(times)], len(times))[0],
        p50=quantile(before, P50),
        p85=quantile(before, P85),
        changes=changes,
    )


def _candidates(cycles: Iterable[PastCycle]) -> dict[_Key, dict[int, set[int]]]:
    """Return the possible changes: for each, by cycle, the indexes of the pieces that it removes."""
    found: dict[_Key, dict[int, set[int]]] = defaultdict(lambda: defaultdict(set))
    lengths: dict[_Key, int] = defaultdict(int)
    for position, cycle in enumerate(cycles):
        for index, piece in enumerate(cycle.pieces):
            for key in _keys(cycle, index, piece):
                found[key][position].add(index)
                lengths[key] += piece.end - piece.start + cycle.stood.get(index, 0)
    most = sorted(lengths, key=lambda key: (-lengths[key], key[0], key[1] or "", key[2] or ""))[:MOST_CHANGES]
    return {key: found[key] for key in most}


def _keys(cycle: PastCycle, index: int, piece: Piece) -> set[_Key]:
    """Return the changes that remove a piece: a stage goes with what it contains, a step also with the wait for it."""
    activity = c.ACTIVITIES[piece.activity]
    keys: set[_Key] = set()
    if activity.startswith("wait."):
        keys.add((WAIT, piece.label[0], activity.removeprefix("wait.")))
    for run in cycle.chains.get(cycle.taken_up.get(index, piece.stage_id), ()):
        if run in cycle.manual:
            keys |= {(STEP, cycle.names[run], None), (ALL_STEPS, None, None)}
        elif index not in cycle.taken_up:
            keys.add((STAGE, cycle.names[run], None))
    return keys


def _change(
    key: _Key,
    found: dict[int, set[int]],
    cycles: Sequence[PastCycle],
    times: Sequence[int],
    teams: Sequence[str],
) -> Change:
    kind, stage, reason = key
    after = list(times)
    saved: dict[str, int] = defaultdict(int)
    owned = dict.fromkeys(c.ACTIVITIES, 0)
    for position, cycle in enumerate(cycles):
        without = found.get(position, set())
        replayed = replay(cycle, without, without if kind in (STEP, ALL_STEPS) else ())
        after[position] = replayed.time
        saved[teams[position]] += times[position] - replayed.time
        for activity, length in replayed.activity.items():
            owned[activity] += length
    n, before = len(cycles), sum(times)
    mean = means([before], n)[0]
    mean_after = means([sum(after)], n)[0]
    lengths = np.array(after, dtype=np.int64)
    team = max(sorted(saved), key=saved.__getitem__) if sum(saved.values()) > 0 else None
    return Change(
        kind=kind,
        stage=stage,
        reason=reason,
        cycles=len(found),
        mean_after_ns=mean_after,
        saved_ns=mean - mean_after,
        saved_share=(before - sum(after)) / before if before else None,
        team=team,
        team_share=None if team is None else saved[team] / sum(saved.values()),
        p50_after=quantile(lengths, P50),
        p85_after=quantile(lengths, P85),
        activity_after_ns=dict(zip(c.ACTIVITIES, means(list(owned.values()), n), strict=True)),
    )
