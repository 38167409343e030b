"""Many cycles from one process, the same on every run: ``python load.py BASE FIRST COUNT [MODELS]``.

``BASE`` is an instant in UTC nanoseconds; the cycles began in the four weeks before it. Of every 77 cycles some fail
their tests, some stay open, some are rolled back. All are of a few models, or of as many as ``MODELS`` says.
"""

from __future__ import annotations

import sys

import cycletrace as ct
from cycletrace._internal.sdk import runtime
from cycletrace._internal.sdk.ids import Source

SECOND = 10**9
MINUTE = 60 * SECOND
DAY = 24 * 60 * MINUTE


class Script:
    """The clock and the ids of a run: they go on only when asked to."""

    def __init__(self) -> None:
        self.time = 0
        self._cycle = 0
        self._count = 0

    def begin(self, number: int, at: int) -> None:
        """Cycle number so and so begins."""
        self.time, self._cycle, self._count = at, number + 1, 0

    def now(self) -> int:
        return self.time

    def new_id(self) -> str:
        self._count += 1
        return f"{self._cycle:08x}{self._count:08x}"

    def work(self, minutes: int) -> None:
        """Time goes by, and a second until what comes next."""
        self.time += minutes * MINUTE + SECOND


def one_cycle(script: Script, number: int, models: int) -> None:
    """One attempt, from its data to wherever it gets."""
    model = number % models
    domain = ("tabular", "vision")[model % 2]
    with ct.cycle(f"model{model}", version=str(number), domain=domain) as cycle:
        with ct.stage("data") as run:
            with run.waiting("data"):
                script.work(number % 9)
            script.work(10)
        with ct.stage("train") as run:
            with run.waiting("compute"):
                script.work(15 * (number % 4))
            script.work(30 + number % 50)
        with ct.stage("evaluate"):
            script.work(5)
        if number % 11 == 5:
            return
        with cycle.waiting("human"):
            script.work(60 * (number % 5))
        with ct.stage("select", by="person"):
            script.work(3)
        with ct.stage("test") as run:
            script.work(4)
            if number % 7 == 3:
                run.outcome = "error"
        if number % 7 == 3:
            cycle.close("failed")
            return
        if number % 3 == 0:
            with ct.stage("approve", by="person"):
                script.work(20)
        with ct.stage("deploy"):
            script.work(2 + number % 15)
        with ct.stage("activate", mechanism="alias"):
            script.work(1)
        if number % 13 == 6:
            script.work(60)
            cycle.close("rolled_back")


def main(base: int, first: int, count: int, models: int = 5) -> None:
    """Send these cycles."""
    script = Script()
    runtime.reset(Source(now=script.now, steady=script.now, wall=script.now, new_id=script.new_id))
    for number in range(first, first + count):
        script.begin(number, base - (number % 28 + 1) * DAY - number * SECOND)
        one_cycle(script, number, models)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
