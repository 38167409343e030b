"""One process of a model's way into use: ``python pipeline.py PHASE MODEL VERSION``, each phase days after the last."""

from __future__ import annotations

import subprocess
import sys
import time
from contextlib import suppress

import cycletrace as ct
from cycletrace._internal.sdk import runtime
from cycletrace._internal.sdk.ids import Source

DAY = 86_400 * 10**9
MINUTE = 60 * 10**9
DAYS_AGO = {"train": 14, "evaluate": 7, "deploy": 0, "smoke": 0}


class Clock:
    """The clock of a process that ran some days ago, and that can be moved on."""

    def __init__(self, days_ago: int) -> None:
        self.ahead = -days_ago * DAY

    def __call__(self) -> int:
        return time.time_ns() + self.ahead

    def work(self, minutes: int) -> None:
        """Time goes by."""
        self.ahead += minutes * MINUTE


def train(clock: Clock) -> None:
    """Data, and a training in two folds that waits for a machine first."""
    with ct.stage("data"):
        clock.work(20)
    with ct.stage("train") as run:
        with run.waiting("compute"):
            clock.work(90)
        for fold in (1, 2):
            with ct.stage("fold", kind="train", attempt=fold):
                clock.work(30)


def evaluate(clock: Clock) -> None:
    """An evaluation that breaks, one that does not, and a person who selects."""
    with suppress(ValueError), ct.stage("evaluate"):
        clock.work(5)
        raise ValueError("no labels")
    with ct.stage("evaluate"):
        clock.work(10)
    with ct.stage("select", by="person"):
        clock.work(3)


def deploy(clock: Clock) -> None:
    """A deployment whose smoke test is a process of its own, and the first prediction."""
    clock.work(-60)
    with ct.stage("deploy"):
        clock.work(4)
        subprocess.run([sys.executable, __file__, "smoke", *sys.argv[2:]], env=ct.environ(), check=True)
    with ct.stage("activate", mechanism="flag"):
        clock.work(1)


def smoke(clock: Clock) -> None:
    """The smoke test: joins by what its parent handed over."""
    clock.work(-58)
    with ct.stage("smoke", kind="test"):
        clock.work(1)


def main(phase: str, model: str, version: str) -> None:
    clock = Clock(DAYS_AGO[phase])
    runtime.reset(Source(now=clock, steady=clock, wall=clock))
    work = {"train": train, "evaluate": evaluate, "deploy": deploy, "smoke": smoke}[phase]
    if phase == "smoke":
        work(clock)
        return
    with ct.cycle(model, version=version, domain="tabular"):
        work(clock)


if __name__ == "__main__":
    main(*sys.argv[1:])
