"""Seeded histories of many cycles, as facts, and small cycles by hand."""

from __future__ import annotations

import random
from hashlib import sha256

from cycletrace._internal.flow import Close, Facts, Mark, Record, RecordOrigin, Stage, Wait, facts_of
from cycletrace.conventions import cycle_id

SECOND = 10**9
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR
WEEK = 7 * DAY

NOW = 1_780_000_000 * SECOND
"""2026-05-28 20:26:40 UTC."""


def origin(key: str, **more: str | bool | None) -> RecordOrigin:
    return RecordOrigin(cycle_id("", key), key, model=more.pop("model", key.partition("@")[0]), **more)  # type: ignore[arg-type]


class Team:
    """Writes the records of cycles one after the other, each step beginning where the last one ended."""

    def __init__(self, key: str, start: int, **more: str | bool | None) -> None:
        self.origin = origin(key, **more)
        self.t = start
        self.records: list[Record] = []

    def _id(self, kind: str) -> str:
        return sha256(f"{self.origin.cycle_id}{kind}{len(self.records)}".encode()).hexdigest()[:16]

    def stage(self, name: str, length: int, kind: str | None = None, outcome: str = "ok", **more: object) -> str:
        ident = self._id("stage")
        self.records.append(
            Stage(self.origin, ident, name, kind or name, self.t, self.t + length, outcome, **more)  # type: ignore[arg-type]
        )
        self.t += length
        return ident

    def running(self, name: str, kind: str | None = None, **more: object) -> str:
        ident = self._id("stage")
        self.records.append(Stage(self.origin, ident, name, kind or name, self.t, **more))  # type: ignore[arg-type]
        return ident

    def wait(self, reason: str, length: int, stage: str | None = None) -> None:
        self.records.append(Wait(self.origin, self._id("wait"), reason, self.t, self.t + length, stage))
        self.t += length

    def idle(self, length: int) -> None:
        self.t += length

    def mark(self, name: str, **more: object) -> None:
        self.records.append(Mark(self.origin, name, self.t, **more))  # type: ignore[arg-type]

    def close(self, outcome: str) -> None:
        self.records.append(Close(self.origin, outcome, self.t))

    def facts(self, at: int = NOW) -> Facts:
        return facts_of(self.records, at)[0]


def demo(end: int = NOW) -> list[Facts]:
    """Three cycles as the demo makes them: one in use, one abandoned since its tests fail, one open."""
    start = end - 5 * MINUTE
    in_use = Team("digits@1", start)
    in_use.stage("prepare", 2 * SECOND, "data")
    in_use.stage("train", 9 * SECOND)
    in_use.stage("evaluate", SECOND)
    in_use.stage("select", SECOND // 10)
    in_use.stage("test", 4 * SECOND, launch="terminal")
    in_use.stage("package", SECOND // 5)
    in_use.wait("human", 3 * SECOND)
    in_use.stage("approve", SECOND // 2, actor="human", person="p-7f3a", launch="terminal")
    in_use.stage("deploy", 2 * SECOND)
    in_use.stage("activate", SECOND // 20, mechanism="alias")
    in_use.idle(30 * 10**6)
    abandoned = Team("digits@2", start + 40 * SECOND)
    abandoned.stage("prepare", SECOND, "data")
    abandoned.stage("train", 7 * SECOND)
    abandoned.stage("evaluate", SECOND)
    abandoned.stage("select", SECOND // 10)
    abandoned.stage("test", 4 * SECOND, outcome="error")
    abandoned.close("abandoned")
    still = Team("digits@3", start + 80 * SECOND)
    still.stage("prepare", SECOND, "data")
    still.stage("train", 8 * SECOND)
    still.stage("evaluate", SECOND)
    return [team.facts(end) for team in (in_use, abandoned, still)]


def history(n: int, seed: int = 7, now: int = NOW, span: int = 200 * DAY, pace: float = 1.0) -> list[Facts]:
    """The facts of n cycles of several models, begun at random instants of the span before now."""
    return facts_of(records(n, seed, now, span, pace), now)


def records(n: int, seed: int = 7, now: int = NOW, span: int = 200 * DAY, pace: float = 1.0) -> list[Record]:
    """The records of such a history."""
    rng = random.Random(seed)
    found: list[Record] = []

    def some(mean: float) -> int:
        return max(1, int(rng.lognormvariate(0, 0.8) * mean * pace))

    for index in range(n):
        model = rng.choice(["churn", "fraud", "digits", "forecast"])
        domain = {"churn": "tabular", "fraud": "tabular", "digits": "vision", "forecast": "series"}[model]
        trigger = rng.choice(["idea", "idea", "idea", None, "schedule", "fix"])
        team = Team(f"{model}@{seed}.{index}", now - rng.randrange(span), model=model, domain=domain, trigger=trigger)
        if rng.random() < 0.3:
            team.wait("data", some(6 * HOUR))
        team.stage("load", some(20 * MINUTE), "data")
        if rng.random() < 0.5:
            team.wait("compute", some(3 * HOUR))
        team.stage("train", some(2 * HOUR if domain != "vision" else 9 * HOUR))
        team.stage("evaluate", some(10 * MINUTE))
        team.stage("select", some(5 * MINUTE), actor="human", person=rng.choice(["p-anna", "p-anna", "p-ben"]))
        if rng.random() < 0.12:
            team.close(rng.choice(["abandoned", "failed", "superseded"]))
            found += team.records
            continue
        if rng.random() < 0.08:
            found += team.records
            continue
        by_hand = rng.random() < 0.3
        team.stage("test", some(8 * MINUTE), actor="human" if by_hand else "automation", launch="ci")
        if rng.random() < 0.5:
            if rng.random() < 0.5:
                team.wait("human", some(20 * HOUR))
            else:
                team.idle(some(20 * HOUR))
            team.stage("approve", some(3 * MINUTE), actor="human", person=rng.choice(["p-anna", "p-cem"]))
        launch = rng.choice(["ci", "terminal", "scheduler"])
        team.stage("deploy", some(6 * MINUTE), launch=launch)
        if rng.random() < 0.85:
            team.idle(some(4 * MINUTE))
            team.stage("activate", some(MINUTE), mechanism=rng.choice(["redeploy", "flag", "client_config"]))
        found += team.records
    return found
