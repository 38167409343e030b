"""A simulated year of three teams, for ``cycletrace demo --history``.

The names of its teams and of its store begin with :data:`SIMULATED`, so that every output says what it is about.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from pathlib import Path

from cycletrace import conventions as c
from cycletrace._internal.flow import Close, Mark, Record, RecordOrigin, Stage, Wait
from cycletrace._internal.flow.records import began
from cycletrace._internal.store import open_store

SIMULATED = "simulated"
CYCLES = 400
SEED = 7

_MINUTE = 60 * 10**9
_HOUR = 60 * _MINUTE
_DAY = 24 * _HOUR
_YEAR = 365 * _DAY
_AUTOMATED = 150 * _DAY
"""How long ago the first team stopped waiting for an approval by a person."""
_LEASE = 180
"""Seconds without a sign of life after which a stage is lost."""

_MODELS = (
    ("growth", "churn", "tabular"),
    ("growth", "uplift", "tabular"),
    ("risk", "fraud", "tabular"),
    ("vision", "digits", "images"),
)
"""Team, model and domain."""


class _Cycle:
    """Writes the records of one cycle, each step beginning where the last one ended."""

    def __init__(self, dice: random.Random, place: tuple[str, str, str], version: int, start: int) -> None:
        team, model, domain = place
        namespace, key = f"{SIMULATED}-{team}", f"{model}@{version}"
        trigger = dice.choice((None, None, None, "fix", "schedule"))
        self.of = RecordOrigin(c.cycle_id(namespace, key), key, namespace, model, domain, str(version), trigger)
        self.at = start
        self.records: list[Record] = []
        self._dice = dice

    def takes(self, mean: int) -> int:
        """Return a length whose mean is about this one."""
        return max(10**9, int(self._dice.lognormvariate(-0.3, 0.75) * mean))

    def stage(self, kind: str, mean: int, outcome: str = c.OK, person: str | None = None, launch: str = "ci") -> None:
        end = self.at + self.takes(mean)
        actor = c.AUTOMATION if person is None else c.HUMAN
        self.records.append(
            Stage(
                self.of,
                self._id(),
                kind,
                kind,
                self.at,
                end,
                outcome,
                actor=actor,
                person=person,
                launch=launch,
                mechanism=self._dice.choice(("flag", "alias")) if kind == "activate" else None,
            )
        )
        self.at = end

    def running(self, kind: str) -> None:
        """Add a stage whose process was killed, or still runs."""
        self.records.append(Stage(self.of, self._id(), kind, kind, self.at, launch="scheduler", lease=_LEASE))

    def wait(self, reason: str, mean: int) -> None:
        end = self.at + self.takes(mean)
        self.records.append(Wait(self.of, self._id(), reason, self.at, end))
        self.at = end

    def close(self, outcome: str) -> None:
        self.records.append(Close(self.of, outcome, self.at))

    def _id(self) -> str:
        return f"{self._dice.getrandbits(64):016x}"


def simulate(now: int, cycles: int = CYCLES, seed: int = SEED) -> Iterator[list[Record]]:
    """Yield the records of each of so many cycles that began in the year before an instant (UTC nanoseconds)."""
    dice = random.Random(seed)
    versions = dict.fromkeys(_MODELS, 0)
    for start in sorted(now - dice.randrange(_YEAR) for _ in range(cycles)):
        place = dice.choice(_MODELS)
        versions[place] += 1
        cycle = _Cycle(dice, place, versions[place], start)
        _live(cycle, dice, place, is_automated=place[0] == "growth" and start > now - _AUTOMATED)
        yield [record for record in cycle.records if began(record) <= now]


def _live(cycle: _Cycle, dice: random.Random, place: tuple[str, str, str], *, is_automated: bool) -> None:
    if dice.random() < 0.3:
        cycle.wait("data", 6 * _HOUR)
    cycle.stage("data", 25 * _MINUTE)
    if dice.random() < 0.5:
        cycle.wait("compute", 3 * _HOUR)
    if dice.random() < 0.1:
        cycle.stage("train", _HOUR, c.ERROR)
    if dice.random() < 0.04:
        cycle.running("train")
        return
    cycle.stage("train", 8 * _HOUR if place[2] == "images" else 2 * _HOUR, launch="scheduler")
    cycle.stage("evaluate", 12 * _MINUTE)
    cycle.stage("select", 5 * _MINUTE, person=dice.choice(("ann", "ann", "ben")), launch="notebook")
    fate = dice.random()
    if fate < 0.08:
        cycle.stage("test", 9 * _MINUTE, c.ERROR)
        cycle.close(dice.choice((c.FAILED, c.ABANDONED, c.SUPERSEDED)))
        return
    if fate < 0.12:
        return
    cycle.stage("test", 9 * _MINUTE)
    if not is_automated:
        cycle.wait(c.HUMAN, 14 * _HOUR)
        cycle.stage("approve", 4 * _MINUTE, person=dice.choice(("ann", "cem")), launch="terminal")
    cycle.stage("deploy", 6 * _MINUTE, launch=dice.choice(("ci", "ci", "terminal")))
    cycle.at += cycle.takes(5 * _MINUTE)
    cycle.stage("activate", _MINUTE)
    cycle.records.append(Mark(cycle.of, c.IN_USE, cycle.at))
    if dice.random() < 0.03:
        cycle.at += cycle.takes(_DAY)
        cycle.close(c.ROLLED_BACK)


def write(root: Path, now: int) -> Path:
    """Write the simulated year to a new store in this directory, fold it, and return its file.

    Raises:
        StoreError: if it cannot be written.
    """
    file = root / f"{SIMULATED}.db"
    records: Iterable[Record] = (record for cycle in simulate(now) for record in cycle)
    with open_store(file) as store:
        with store.write() as tx:
            tx.add(records, now)
        with store.write() as tx:
            tx.refold(now, CYCLES)
    return file
