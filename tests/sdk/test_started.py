"""A cycle that was begun in a worktree takes the first version that is trained there."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.cli.commands import Shell

TRAIN = """
import logging, sys
logging.basicConfig(stream=sys.stderr, format="%(message)s")
from cycletrace import cycle, stage
with cycle(*sys.argv[1].split("@")):
    for name in sys.argv[2:]:
        with stage(name):
            pass
"""


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    return Shell(tmp_path)


def begin(shell: Shell) -> str:
    assert shell.run("start", "churn").code == 0
    (facts,) = (facts for facts in shell.facts() if (facts["model"], facts["version"]) == ("churn", None))
    return str(facts["key"])


def cycles(shell: Shell) -> dict[str, list[str]]:
    """The names of the stages of each cycle."""
    return {facts["key"]: [stage["name"] for stage in facts["stages"]] for facts in shell.facts()}


def test_the_first_version_that_is_trained_is_that_of_the_cycle(shell: Shell) -> None:
    key = begin(shell)
    trained = shell.python(TRAIN, "churn@7", "data", "train", "evaluate")
    assert trained.err == ""
    shell.python(TRAIN, "churn@7", "train", "deploy")
    assert shell.run("served", "churn", "7").code == 0
    (facts,) = shell.facts()
    assert (facts["key"], facts["version"], facts["outcome"]) == (key, "7", "in_use")
    assert [stage["name"] for stage in facts["stages"]] == ["data", "train", "evaluate", "train", "deploy"]
    assert [span["span"] for span in shell.spans()].count("alias") == 1


@pytest.mark.parametrize("version", ["churn@8", "fraud@1"])
def test_another_version_or_model_is_a_cycle_of_its_own_and_the_log_says_so(shell: Shell, version: str) -> None:
    key = begin(shell)
    shell.python(TRAIN, "churn@7", "train")
    other = shell.python(TRAIN, version, "train", "train")
    assert other.err.count("cycletrace alias") == 1
    assert f"{version} is a cycle of its own" in other.err
    assert cycles(shell) == {key: ["train"], version: ["train", "train"]}


def test_a_version_known_before_is_not_swallowed(shell: Shell) -> None:
    shell.python(TRAIN, "churn@6", "train")
    shell.run("alias", "churn@5", "--cycle", "run-5")
    key = begin(shell)
    assert shell.python(TRAIN, "churn@6", "evaluate").err == ""
    for known in ("churn@6", "churn@5"):
        assert "cycletrace alias" in shell.python(TRAIN, known, "train").err
    shell.python(TRAIN, "churn@7", "train")
    assert cycles(shell) == {key: ["train"], "churn@6": ["train", "evaluate", "train"], "run-5": ["train"]}


def test_evaluating_a_version_does_not_take_it(shell: Shell) -> None:
    key = begin(shell)
    shell.python(TRAIN, "churn@6", "evaluate")
    assert cycles(shell) == {key: [], "churn@6": ["evaluate"]}


def test_a_version_that_was_declared_is_not_replaced(shell: Shell) -> None:
    key = begin(shell)
    assert shell.run("alias", "churn@7").code == 0
    assert "cycletrace alias churn@8" in shell.python(TRAIN, "churn@8", "train").err
    assert shell.python(TRAIN, "churn@7", "train").err == ""
    assert cycles(shell) == {key: ["train"], "churn@8": ["train"]}


@pytest.mark.parametrize(
    "command", [("stage", "begin", "train"), ("run", "--stage", "train", "--", "true")], ids=["begin", "run"]
)
def test_commands_take_a_version_too(shell: Shell, command: tuple[str, ...]) -> None:
    key = begin(shell)
    assert shell.run(*command, CYCLETRACE_CYCLE="churn@7").code == 0
    assert cycles(shell) == {key: ["train"]}


def test_the_next_cycle_takes_a_version_of_its_own(shell: Shell) -> None:
    first = begin(shell)
    shell.python(TRAIN, "churn@7", "train")
    assert shell.run("close", "failed").code == 0
    assert [path.name for path in (shell.folder / ".cycletrace").iterdir()] == [".gitignore"]
    second = begin(shell)
    shell.python(TRAIN, "churn@8", "train")
    assert cycles(shell) == {first: ["train"], second: ["train"]}


def test_of_versions_trained_at_once_one_is_taken(shell: Shell) -> None:
    key = begin(shell)
    command = [sys.executable, "-c", TRAIN]
    where: dict[str, Any] = {"cwd": shell.folder, "env": shell.environment(), "stderr": subprocess.DEVNULL}
    running = [subprocess.Popen([*command, f"churn@{number}", "train"], **where) for number in range(7, 11)]
    assert [process.wait(timeout=60) for process in running] == [0] * 4
    assert len(cycles(shell)) == 4
    assert cycles(shell)[key] == ["train"]
