"""Type checkers: stages preserve types, and mistakes are reported."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

GOOD = """
from __future__ import annotations
from collections.abc import AsyncIterator, Generator
from datetime import datetime, timezone
from typing import Optional
from typing_extensions import assert_type
import cycletrace as ct

@ct.stage
def bare(a: int, *, b: str = "") -> float:
    return a / 2

@ct.stage("fit", kind="train", capture=("a",))
def called(a: int, *, b: str = "") -> float:
    return a / 2

@ct.stage
async def coroutine(a: int) -> bytes:
    return b""

@ct.stage()
def generator(n: int) -> Generator[int, str, bool]:
    yield n
    return True

@ct.stage
async def stream() -> AsyncIterator[int]:
    yield 1

@ct.cycle("churn", "7")
def main(n: int) -> list[int]:
    return [n]

@ct.waiting("data")
def wait(n: int) -> str:
    return ""

class Trainer:
    @ct.stage
    def fit(self, rows: list[int]) -> int:
        return 1

    @ct.stage
    @classmethod
    def inside(cls, n: int) -> str:
        return ""

    @classmethod
    @ct.stage
    def outside(cls, n: int) -> str:
        return ""

    @ct.stage
    @staticmethod
    def static(n: int) -> bytes:
        return b""

assert_type(bare(1, b="x"), float)
assert_type(called(1), float)
assert_type(generator(3), Generator[int, str, bool])
assert_type(stream(), AsyncIterator[int])
assert_type(main(1), list[int])
assert_type(wait(1), str)
assert_type(Trainer().fit([1]), int)
assert_type(Trainer.inside(1), str)
assert_type(Trainer.outside(1), str)
assert_type(Trainer.static(1), bytes)
assert_type(ct.stage("train"), ct.Stage)

def blocks() -> int:
    with ct.cycle("churn", "7") as cycle, ct.stage("train") as run:
        assert_type(cycle, ct.Cycle)
        assert_type(run, ct.Run)
        assert_type(run.cycle, Optional[ct.Cycle])
        run.set(accuracy=0.9)
        return 1  # a block swallows no exception, so nothing need follow

async def asynchronous() -> None:
    assert_type(await coroutine(1), bytes)
    async with ct.stage("train") as run:
        assert_type(run, ct.Run)

ct.record_stage("train", 1, datetime.now(timezone.utc), outcome="error", attributes={"rows": 1}, job="slurm:1")

assert_type(ct.current_cycle(), Optional[ct.Cycle])
assert_type(ct.current_stage(), Optional[ct.Run])
assert_type(ct.environ(), dict[str, str])
assert_type(ct.flush(), bool)
assert_type(ct.snapshot(), ct.Snapshot)
"""

# Each line's comment: the error code of mypy, then those of pyright.
BAD = """
from __future__ import annotations
import cycletrace as ct

@ct.stage
def train(rows: list[int], epochs: int = 1) -> float:
    return 0.0

train("rows")  # arg-type reportArgumentType
train()  # call-arg reportCallIssue
train([1], epoch=3)  # call-arg reportCallIssue
train([1]).upper()  # attr-defined reportAttributeAccessIssue
ct.stage(3)  # call-overload reportArgumentType reportCallIssue
ct.stage("train", kin="train")  # call-overload reportCallIssue
ct.stage("train", attempt="1")  # call-overload reportArgumentType
ct.cycle()  # call-arg reportCallIssue
ct.cycle("churn", 7)  # arg-type reportArgumentType
ct.waiting()  # call-arg reportCallIssue
ct.mark("trained", at="now")  # arg-type reportArgumentType
ct.record_stage("train", 1)  # call-arg reportCallIssue
ct.record_stage("train", 1, "now")  # arg-type reportArgumentType
ct.record_stage("train", 1, 2, outcome=True)  # arg-type reportArgumentType
ct.configure(directory=3)  # arg-type reportArgumentType
ct.attach(None)  # arg-type reportArgumentType
with ct.stage("train") as run:
    run.set(rows=[1])  # arg-type reportArgumentType
    run.id = "1"  # misc reportAttributeAccessIssue
"""


def mypy(path: Path) -> set[tuple[int, str]]:
    cache = f"--cache-dir={path.parent}"  # of its own: a run beside this one would write into the project's
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--show-error-codes", "--no-pretty", cache, str(path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    found = re.findall(rf"^{re.escape(str(path))}:(\d+): error: .*\[([a-z-]+)\]$", done.stdout, re.MULTILINE)
    assert done.returncode in {0, 1}, done.stdout + done.stderr
    return {(int(line), code) for line, code in found}


def pyright(path: Path) -> set[tuple[int, str]]:
    done = subprocess.run(
        [sys.executable, "-m", "pyright", "--outputjson", "--pythonpath", sys.executable, str(path)],
        cwd=path.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    return {
        (found["range"]["start"]["line"] + 1, found["rule"])
        for found in json.loads(done.stdout)["generalDiagnostics"]
        if found["severity"] == "error"
    }


@pytest.mark.slow
def test_type_checkers_accept_correct_and_reject_wrong_uses(tmp_path: Path) -> None:
    good, bad = tmp_path / "good.py", tmp_path / "bad.py"
    good.write_text(GOOD)
    bad.write_text(BAD)
    assert mypy(good) == set()
    assert pyright(good) == set()
    marked = {n: line.partition("  # ")[2].split() for n, line in enumerate(BAD.splitlines(), 1) if "  # " in line}
    assert sorted(mypy(bad)) == [(line, codes[0]) for line, codes in marked.items()]
    assert sorted(pyright(bad)) == [(line, rule) for line, codes in marked.items() for rule in codes[1:]]
