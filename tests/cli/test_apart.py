"""Stages and waits that are begun and ended by separate commands."""

from __future__ import annotations

from tests.cli.commands import Shell

HOUR = 3600 * 10**9


def test_repeated_begin_and_end_commands_make_one_run(shell: Shell) -> None:
    cycle = ("--cycle", "churn@7")
    for _ in range(2):
        begun = shell.run("stage", "begin", "approve", *cycle, "--by", "person:ann", "--at", "2026-01-05T09:00:00Z")
        assert begun.code == 0
    (running,) = shell.facts()
    assert [stage["outcome"] for stage in running["stages"]] == [None]
    ended = shell.run("stage", "end", "approve", *cycle, "--by", "person:ann", "--at", "2026-01-05T11:00:00Z")
    assert ended.code == 0
    assert "had already ended" in shell.run("stage", "end", "approve", *cycle).out
    (facts,) = shell.facts()
    (stage,) = facts["stages"]
    assert (stage["name"], stage["kind"], stage["actor"], stage["outcome"]) == ("approve", "approve", "human", "ok")
    assert stage["end"] - stage["start"] == 2 * HOUR
    assert stage["person"] not in {None, "ann"}


def test_a_stage_begun_elsewhere_is_ended_with_its_start(shell: Shell) -> None:
    unknown = shell.run("stage", "end", "deploy", "--cycle", "churn@7")
    assert unknown.code == 2
    assert "--began" in unknown.err
    times = ("--began", "2026-01-05T09:00:00Z", "--at", "2026-01-05T10:00:00Z")
    assert shell.run("stage", "end", "deploy", "--cycle", "churn@7", *times).code == 0
    (facts,) = shell.facts()
    assert facts["stages"][0]["end"] - facts["stages"][0]["start"] == HOUR


def test_a_wait_of_the_cycle_and_one_of_a_stage(shell: Shell) -> None:
    cycle = ("--cycle", "churn@7")
    shell.run("stage", "begin", "train", *cycle, "--at", "2026-01-05T09:00:00Z")
    shell.run("wait", "begin", "compute", "--stage", "train", *cycle, "--at", "2026-01-05T09:00:00Z")
    shell.run("wait", "end", "compute", "--stage", "train", *cycle, "--at", "2026-01-05T10:00:00Z")
    shell.run("stage", "end", "train", *cycle, "--at", "2026-01-05T12:00:00Z")
    shell.run("wait", "begin", "human", *cycle, "--at", "2026-01-05T12:00:00Z")
    shell.run("wait", "end", "human", *cycle, "--at", "2026-01-05T15:00:00Z")
    again = shell.run("wait", "end", "human", *cycle)
    assert "had already ended" in again.out
    (facts,) = shell.facts("--at", "2026-01-05T15:00:00Z")
    assert facts["activity_ns"]["wait.compute"] == HOUR
    assert facts["activity_ns"]["work.automation"] == 2 * HOUR
    assert facts["activity_ns"]["wait.human"] == 3 * HOUR
    assert shell.run("wait", "end", "data", *cycle).code == 2
