"""Each example runs as its reader would run it, and gives the facts that it promises."""

from __future__ import annotations

import os
import subprocess
import sys
from difflib import ndiff
from pathlib import Path
from typing import Any

import pytest
from tests.demo.helpers import facts_of, quiet_environment

EXAMPLES = Path(__file__).parents[2] / "examples"

# The commands that the examples call are those of the environment that runs the tests.
PATH = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])


def run(folder: Path, *command: str) -> str:
    environment = {**quiet_environment(), "CYCLETRACE_DIR": str(folder / "state"), "PATH": PATH}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == ""
    return done.stdout


def only_cycle(folder: Path) -> dict[str, Any]:
    (facts,) = facts_of(folder / "state").values()
    return facts


def names(facts: dict[str, Any]) -> list[str]:
    return [stage["name"] for stage in facts["stages"]]


@pytest.mark.slow
def test_two_lines_make_a_training_script_a_measured_one(tmp_path: Path) -> None:
    before, after = (EXAMPLES / "training_script" / name for name in ("before.py", "after.py"))
    changed = [
        line.strip()
        for line in ndiff(before.read_text().splitlines(), after.read_text().splitlines())
        if line[0] in "+-" and line[1:].strip() and '"""' not in line
    ]
    assert changed == ["+ from cycletrace import stage", "+ @stage"]
    assert run(tmp_path, sys.executable, str(before)) == run(tmp_path, sys.executable, str(after))
    facts = only_cycle(tmp_path)
    assert (facts["model"], facts["implicit"], facts["outcome"], names(facts)) == ("after", True, "open", ["train"])
    assert facts["marks"]["trained"] == facts["stages"][0]["end"]


@pytest.mark.slow
def test_a_script_without_a_cycle_is_a_cycle_of_its_own_each_time(tmp_path: Path) -> None:
    for _ in range(2):
        assert "R² 0.4" in run(tmp_path, sys.executable, str(EXAMPLES / "no_cycle" / "script.py"))
    cycles = facts_of(tmp_path / "state").values()
    assert len(cycles) == 2
    for facts in cycles:
        assert (facts["model"], facts["implicit"], names(facts)) == ("cycletrace", True, ["data", "train", "select"])
        (wait,) = facts["waits"]
        assert (wait["reason"], wait["stage"]) == ("data", facts["stages"][0]["id"])
        assert facts["marks"]["selected"] == facts["stages"][2]["end"]


def test_a_pipeline_in_one_process(tmp_path: Path) -> None:
    run(tmp_path, sys.executable, str(EXAMPLES / "one_process" / "pipeline.py"))
    facts = only_cycle(tmp_path)
    assert (facts["key"], facts["domain"], facts["outcome"]) == ("wine@3", "tables", "in_use")
    assert names(facts) == ["load", "train", "train", "select", "test", "deploy", "activate"]
    assert [stage["attempt"] for stage in facts["stages"] if stage["name"] == "train"] == [1, 2]
    assert facts["marks"]["in_use"] >= facts["marks"]["deployed"]
    assert sum(facts["activity_ns"].values()) == facts["cycle_time_ns"]


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="a shell script")
def test_shell_and_python_mixed(tmp_path: Path) -> None:
    printed = run(tmp_path, str(EXAMPLES / "shell_and_python" / "pipeline.sh"), str(tmp_path / "work"), "7")
    assert printed.splitlines()[-1] == "setosa"
    facts = only_cycle(tmp_path)
    assert (facts["key"], facts["model"], facts["version"], facts["outcome"]) == ("iris@7", "iris", "7", "in_use")
    assert names(facts) == ["train", "load", "fit", "test", "package", "deploy", "activate"]
    train = facts["stages"][0]
    assert [stage["parent"] for stage in facts["stages"][:3]] == [None, train["id"], train["id"]]
    assert {stage["outcome"] for stage in facts["stages"]} == {"ok"}
    assert "selected" not in facts["derived"]
    assert "in_use" not in facts["derived"]
