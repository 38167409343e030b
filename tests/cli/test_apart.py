"""Stages and waits that are begun and ended by separate commands."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from tests.cli.commands import Result, Shell

from cycletrace.testing import FakeCollector

HOUR = 3600 * 10**9
CYCLE = ("--cycle", "churn@7")


def say(shell: Shell, command: str, at: str, *arguments: str, **variables: str) -> Result:
    """Run ``stage begin`` and so on for the cycle, on a morning of January."""
    result = shell.run(*command.split(), *arguments, *CYCLE, "--at", f"2026-01-05T{at}:00Z", **variables)
    assert result.code == 0, result.err
    return result


def runs(facts: dict[str, Any]) -> list[tuple[int, str | None, int | None]]:
    """Attempt, outcome and hours of each stage."""
    return [
        (stage["attempt"], stage["outcome"], stage["end"] and (stage["end"] - stage["start"]) // HOUR)
        for stage in facts["stages"]
    ]


def test_each_begin_is_a_new_attempt(shell: Shell) -> None:
    for begin, end, outcome in (("09:00", "10:00", "error"), ("14:00", "16:00", "ok")):
        say(shell, "stage begin deploy", begin)
        say(shell, "stage end deploy", end, "--outcome", outcome)
    (facts,) = shell.facts()
    assert runs(facts) == [(1, "error", 1), (2, "ok", 2)]
    assert facts["flags"] == {}
    assert [span["span"] for span in shell.spans()] == ["begin deploy", "deploy"] * 2


def test_repeating_the_begin_of_one_attempt_or_an_end_changes_nothing(shell: Shell) -> None:
    for at in ("09:00", "09:30"):
        assert say(shell, "stage begin approve", at, "--attempt", "1", "--by", "person:ann").err == ""
    say(shell, "stage end approve", "11:00")
    before = shell.facts()
    again = say(shell, "stage end approve", "12:00")
    assert again.out == "churn@7: approve had already ended.\n"
    say(shell, "wait begin human", "11:00")
    say(shell, "wait end human", "12:00")
    waited = shell.facts("--at", "2026-01-05T13:00:00Z")
    assert "had already ended" in say(shell, "wait end human", "13:00").out
    assert shell.facts("--at", "2026-01-05T13:00:00Z") == waited
    assert [stage for facts in shell.facts() for stage in facts["stages"]] == before[0]["stages"]
    assert runs(before[0]) == [(1, "ok", 2)]


def test_an_end_keeps_what_its_begin_said(shell: Shell) -> None:
    words = ("--kind", "approve", "--by", "person:ann", "--environment", "prod", "--mechanism", "flag")
    say(shell, "stage begin sign-off", "09:00", *words)
    ((running,),) = ([facts["stages"] for facts in shell.facts()],)
    say(shell, "stage end sign-off", "11:00")
    (facts,) = shell.facts()
    (stage,) = facts["stages"]
    kept = ("id", "name", "kind", "actor", "person", "launch", "environment", "mechanism", "start")
    assert {name: stage[name] for name in kept} == {name: running[0][name] for name in kept}
    assert (stage["kind"], stage["actor"], stage["environment"], stage["mechanism"]) == (
        "approve",
        "human",
        "prod",
        "flag",
    )
    assert stage["person"] not in {None, "ann"}


def test_a_begin_beside_an_open_one_says_so_and_the_latest_ends_first(shell: Shell) -> None:
    say(shell, "stage begin train", "09:00")
    second = say(shell, "stage begin train", "10:00")
    assert "an earlier train that began at 2026-01-05 09:00:00 UTC is still open" in second.err
    assert say(shell, "stage begin evaluate", "10:00").err == ""
    say(shell, "stage end train", "11:00")
    say(shell, "stage end train", "13:00", "--outcome", "error")
    (facts,) = shell.facts()
    assert [run for run in runs(facts) if run[1]] == [(1, "error", 4), (2, "ok", 1)]


def test_an_end_of_an_attempt_or_environment_ends_no_other(shell: Shell) -> None:
    say(shell, "stage begin deploy", "09:00", "--environment", "prod")
    say(shell, "stage begin deploy", "10:00", "--environment", "staging")
    say(shell, "stage end deploy", "12:00", "--environment", "prod")
    (facts,) = shell.facts("--at", "2026-01-05T13:00:00Z")
    assert runs(facts) == [(1, "ok", 3), (2, None, None)]
    say(shell, "stage end deploy", "12:00", "--attempt", "2")
    (facts,) = shell.facts()
    assert runs(facts) == [(1, "ok", 3), (2, "ok", 2)]


@pytest.mark.parametrize("way", ["--environment", "OTEL_RESOURCE_ATTRIBUTES"])
def test_one_attempt_in_two_environments_is_two_runs(shell: Shell, way: str) -> None:
    for at, name in (("09:00", "staging"), ("10:00", "production")):
        arguments = (way, name) if way.startswith("-") else ()
        variables = {} if arguments else {way: f"deployment.environment.name={name}"}
        say(shell, "stage begin deploy", at, "--attempt", "1", *arguments, **variables)
    (facts,) = shell.facts("--at", "2026-01-05T11:00:00Z")
    assert [(stage["environment"], stage["start"] % (24 * HOUR) // HOUR) for stage in facts["stages"]] == [
        ("staging", 9),
        ("production", 10),
    ]


def test_an_end_before_its_begin_is_refused(shell: Shell) -> None:
    say(shell, "stage begin deploy", "09:00")
    early = shell.run("stage", "end", "deploy", *CYCLE, "--at", "2026-01-05T08:00:00Z")
    assert (early.code, "begun after that time" in early.err) == (2, True)
    (facts,) = shell.facts()
    assert runs(facts) == [(1, None, None)]


@pytest.mark.parametrize("command", ["stage end deploy", "wait end data"])
def test_an_end_whose_begin_nobody_knows_is_kept_and_counted(shell: Shell, command: str) -> None:
    ended = say(shell, command, "10:00")
    assert "It was not begun on this machine" in ended.out
    (facts,) = shell.facts()
    assert facts["flags"] == {"unmatched_ends": 1}
    assert (facts["stages"], facts["waits"]) == ([], [])


def test_traces_alone_join_a_begin_and_an_end_of_two_machines(
    shell: Shell, tmp_path: Path, cycletrace_collector: FakeCollector
) -> None:
    other = Shell(tmp_path)
    other.state = tmp_path / "other"
    to = {"CYCLETRACE_ENDPOINT": cycletrace_collector.endpoint}
    say(shell, "stage begin deploy", "09:00", "--environment", "prod", **to)
    say(shell, "wait begin human", "09:00", "--stage", "deploy", **to)
    say(other, "wait end human", "10:00", **to)
    say(other, "stage end deploy", "11:00", "--outcome", "timeout", **to)
    assert [span.name for span in cycletrace_collector.spans] == [
        "begin deploy",
        "begin human",
        "end human",
        "end deploy",
    ]
    assert cycletrace_collector.logs == []
    for file in (other.state / "journal").rglob("*.jsonl"):
        file.rename(shell.state / "journal" / file.name)
    (facts,) = shell.facts()
    assert runs(facts) == [(1, "timeout", 2)]
    assert [(wait["stage"], wait["end"] - wait["start"]) for wait in facts["waits"]] == [
        (facts["stages"][0]["id"], HOUR)
    ]
    assert facts["flags"] == {}


def test_a_wait_of_the_cycle_and_one_of_a_stage(shell: Shell) -> None:
    say(shell, "stage begin train", "09:00")
    say(shell, "wait begin compute", "09:00", "--stage", "train")
    say(shell, "wait end compute", "10:00", "--stage", "train")
    say(shell, "wait begin compute", "11:00", "--stage", "train")
    say(shell, "wait end compute", "12:00")
    say(shell, "stage end train", "13:00")
    say(shell, "wait begin human", "13:00")
    say(shell, "wait end human", "16:00")
    (facts,) = shell.facts("--at", "2026-01-05T16:00:00Z")
    assert facts["activity_ns"]["wait.compute"] == 2 * HOUR
    assert facts["activity_ns"]["work.automation"] == 2 * HOUR
    assert facts["activity_ns"]["wait.human"] == 3 * HOUR


def test_a_wait_belongs_to_a_running_stage_of_python_or_run(shell: Shell) -> None:
    begin = "import subprocess, sys; subprocess.run([sys.executable, '-m', 'cycletrace', 'wait', 'begin', 'compute', "
    begin += "'--stage', sys.argv[1], '--cycle', 'churn@7'], check=True)"
    code = f"from cycletrace import cycle, stage\nwith cycle('churn', '7'), stage('train'): {begin}"
    assert shell.python(code, "train").code == 0
    assert shell.run("run", "--stage", "test", *CYCLE, "--", sys.executable, "-c", begin, "test").code == 0
    (facts,) = shell.facts()
    names = {stage["id"]: stage["name"] for stage in facts["stages"]}
    assert [names[wait["stage"]] for wait in facts["waits"]] == ["train", "test"]
    unknown = shell.run("wait", "begin", "data", "--stage", "nothing", *CYCLE)
    assert (unknown.code, "a wait of the whole cycle" in unknown.err) == (0, True)


def test_a_stage_begun_inside_another_is_contained_in_it(shell: Shell) -> None:
    command = (sys.executable, "-m", "cycletrace", "stage", "begin", "deploy")
    assert shell.run("run", "--stage", "release", *CYCLE, "--", *command).code == 0
    shell.run("stage", "end", "deploy", *CYCLE)
    (facts,) = shell.facts()
    release, deploy = facts["stages"]
    assert (deploy["name"], deploy["parent"]) == ("deploy", release["id"])
