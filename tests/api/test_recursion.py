"""Stages and waits near the limit of recursion: each that began ends, and the program fails where it would anyway."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.journals import Journal, run_script

from cycletrace import conventions as c

SCRIPT = """
import sys
import cycletrace as ct

sys.setrecursionlimit(300)
{definition}

with ct.stage("warm"), ct.waiting("data"):
    pass
try:
    recurse()
except RecursionError:
    print("too deep", ct.current_stage())
from opentelemetry import trace
assert not trace.get_current_span().get_span_context().is_valid
{then}
"""

RECURSIVE = {
    "decorator": """
@ct.stage("train")
def recurse():
    recurse()
""",
    "block": """
def recurse():
    with ct.stage("train"):
        recurse()
""",
    "generator": """
@ct.stage("train")
def recurse_():
    yield
    for _ in recurse_():
        pass
def recurse():
    for _ in recurse_():
        pass
""",
    "wait": """
def recurse():
    with ct.waiting("compute"):
        recurse()
""",
}


@pytest.mark.parametrize("then", ["", "with ct.stage('after'): pass"])
@pytest.mark.parametrize("how", RECURSIVE)
def test_whatever_began_near_the_limit_of_recursion_has_an_end(tmp_path: Path, how: str, then: str) -> None:
    done = run_script(SCRIPT.format(definition=RECURSIVE[how], then=then), tmp_path / "state")
    assert (done.returncode, done.stdout, done.stderr) == (0, "too deep None\n", "")
    journal = Journal(tmp_path / "state")
    events = [event for name in (c.STAGE_STARTED, c.WAIT_OPENED) for event in journal.events(name)]
    began = [event["span_id"] for event in events]
    ended = [span["span_id"] for span in journal.spans()]
    assert len(began) > 10
    assert sorted(ended) == sorted(began)
    if how != "wait":
        assert {outcome for name, outcome in journal.outcomes() if name == "train"} == {"error"}


ANY_DEPTH = """
import sys
import cycletrace as ct

sys.setrecursionlimit(200)
reached = []

def at(depth, body):
    if depth:
        at(depth - 1, body)
    else:
        body()

def bare():
    reached.append(1)

staged = ct.stage("train")(lambda: reached.append(1))
staged()
reached.clear()
for depth in range(120, 200):
    try:
        at(depth, bare)
    except RecursionError:
        pass
plain = len(reached)
reached.clear()
for depth in range(120, 200):
    try:
        at(depth, staged)
    except RecursionError:
        pass
print(plain - len(reached))
"""


def test_a_decorated_function_runs_up_to_a_few_frames_before_the_limit(tmp_path: Path) -> None:
    done = run_script(ANY_DEPTH, tmp_path / "state")
    assert (done.returncode, done.stderr) == (0, "")
    assert 0 <= int(done.stdout) <= 4
