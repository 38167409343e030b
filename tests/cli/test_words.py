"""Declarations about a cycle from a shell."""

from __future__ import annotations

import subprocess

import pytest
from tests.cli.commands import Shell

from cycletrace.testing import FakeCollector


def test_a_cycle_begun_in_a_worktree_is_joined_below_it_until_it_is_closed(shell: Shell) -> None:
    subprocess.run(["git", "init", "-q", str(shell.folder)], check=True)
    begun = shell.run("start", "churn", "--idea", "ISSUE-123", "--domain", "tabular")
    assert begun.code == 0
    below = shell.folder / "src"
    below.mkdir()
    code = "from cycletrace import stage\nwith stage('train'): pass"
    inside = Shell(below)
    inside.state = shell.state
    for _ in range(2):
        assert inside.python(code).code == 0
    assert shell.run("close", "abandoned").code == 0
    assert inside.python(code).code == 0

    cycle, *others = [facts for facts in shell.facts() if not facts["implicit"]]
    assert not others
    assert (cycle["model"], cycle["domain"], cycle["outcome"]) == ("churn", "tabular", "abandoned")
    assert [stage["name"] for stage in cycle["stages"]] == ["train", "train"]
    assert [facts["implicit"] for facts in shell.facts()].count(True) == 1
    assert shell.facts("--cycle", "ISSUE-123") == [cycle]
    ignored = subprocess.run(
        ["git", "-C", str(shell.folder), "status", "--short"], capture_output=True, text=True, check=True
    )
    assert ".cycletrace" not in ignored.stdout


def test_a_second_cycle_is_not_begun_over_the_first(shell: Shell) -> None:
    shell.run("start", "churn")
    second = shell.run("start", "fraud")
    assert second.code == 2
    assert "cycletrace close" in second.err
    assert shell.run("start", "fraud", "--force").code == 0


def test_marks_are_recorded_at_the_given_instant(shell: Shell) -> None:
    shell.run("mark", "started", "--cycle", "churn@7", "--at", "2026-01-05T09:00:00+01:00")
    shell.run("mark", "in_use", "--cycle", "churn@7", "--at", "2026-01-05T10:00:00Z", "--mechanism", "flag")
    (cycle,) = shell.facts("--cycle", "churn@7")
    assert cycle["cycle_time_ns"] == 2 * 3600 * 10**9
    assert cycle["outcome"] == "in_use"
    assert cycle["derived"] == []


def test_what_has_no_length_is_a_span_of_a_microsecond(shell: Shell) -> None:
    shell.run("mark", "started", "--cycle", "churn@7", "--at", "2026-01-05T09:00:00Z")
    shell.run("alias", "run-1", "--cycle", "churn@7")
    shell.run("close", "failed", "--cycle", "churn@7")
    spans = shell.spans()
    assert [span["span"] for span in spans] == ["mark started", "alias", "close"]
    assert {span["end"] - span["start"] for span in spans} == {1000}
    assert spans[0]["start"] == 1767603600 * 10**9


def test_started_may_be_the_time_of_a_commit(shell: Shell) -> None:
    git = ["git", "-C", str(shell.folder), "-c", "user.name=a", "-c", "user.email=a@b"]
    subprocess.run([*git, "init", "-q"], check=True)
    when = {**shell.environment(), "GIT_COMMITTER_DATE": "2026-01-05T09:00:00Z"}
    subprocess.run([*git, "commit", "-q", "--allow-empty", "-m", "idea"], check=True, env=when)
    assert shell.run("start", "churn", "--at", "git:HEAD").code == 0
    (cycle,) = shell.facts()
    assert cycle["marks"]["started"] == 1767603600 * 10**9
    assert shell.run("mark", "trained", "--at", "git:nowhere").code == 2


def test_served_and_alias_reach_the_cycle_by_its_key(shell: Shell) -> None:
    shell.run("mark", "started", "--cycle", "run-4711")
    shell.run("alias", "churn@7", "--cycle", "run-4711")
    assert shell.run("served", "churn", "7").code == 0
    (cycle,) = shell.facts()
    assert cycle["key"] == "run-4711"
    assert cycle["outcome"] == "in_use"


def test_without_a_cycle_the_error_explains_how_to_begin_one(shell: Shell) -> None:
    for command in (["mark", "selected"], ["alias", "x"], ["close", "failed"], ["env"], ["stage", "begin", "train"]):
        result = shell.run(*command)
        assert result.code == 2
        assert "cycletrace start MODEL" in result.err


def test_records_that_cannot_be_written_are_not_reported_as_recorded(shell: Shell) -> None:
    shell.state.write_text("a file, not a folder", encoding="ascii")
    result = shell.run("mark", "selected", "--cycle", "churn@7")
    assert (result.code, result.out) == (2, "")
    assert "not recorded" in result.err


def test_an_instant_is_taken_to_the_nanosecond(shell: Shell) -> None:
    shell.run("mark", "started", "--cycle", "churn@7", "--at", "2026-01-05T10:00:00.123456789+01:00")
    shell.run("mark", "trained", "--cycle", "churn@7", "--at", "2026-01-05T09:00:01.5Z")
    (cycle,) = shell.facts()
    assert cycle["marks"]["started"] == 1_767_603_600_123_456_789
    assert cycle["parts_ns"]["training"] == 1_376_543_211


def test_closing_another_cycle_leaves_the_one_that_is_joined_here(shell: Shell) -> None:
    shell.run("start", "churn", "--version", "7")
    assert shell.run("close", "failed", CYCLETRACE_CYCLE="fraud@1").out == "fraud@1: failed.\n"
    assert shell.run("close", CYCLETRACE_CYCLE="fraud@1").code == 2
    assert shell.run("mark", "trained").out == "churn@7: trained.\n"
    assert shell.run("close", "--cycle", "churn@7").code == 0
    assert shell.run("mark", "trained").code == 2


def test_an_invalid_setting_is_printed_by_commands_but_not_by_run(shell: Shell) -> None:
    done = shell.run("mark", "trained", "--cycle", "churn@7", CYCLETRACE_LAUNCH="moon")
    assert done.code == 0
    assert done.err.startswith("cycletrace: CYCLETRACE_LAUNCH must be one of terminal")
    silent = shell.run("run", "--stage", "train", "--", "echo", "x", CYCLETRACE_LAUNCH="moon")
    assert (silent.code, silent.out, silent.err) == (0, "x\n", "")


def test_the_environment_carries_the_cycle_to_another_shell(shell: Shell) -> None:
    shell.run("start", "churn", "--version", "7")
    script = shell.run("env").out
    elsewhere = shell.folder / "elsewhere"
    elsewhere.mkdir()
    done = subprocess.run(
        ["sh", "-c", f'{script}\n"$PYTHON" -m cycletrace mark trained'],
        cwd="/",
        env={**shell.environment(), "PYTHON": __import__("sys").executable},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == "churn@7: trained.\n"


SAY = {
    "mark": ("mark", "selected"),
    "served": ("served", "churn", "7"),
    "alias": ("alias", "churn@first", "--cycle", "churn@7"),
    "close": ("close", "failed"),
    "stage begin": ("stage", "begin", "train"),
    "stage end": ("stage", "end", "train"),
    "wait begin": ("wait", "begin", "human"),
}


@pytest.mark.parametrize("arguments", SAY.values(), ids=SAY)
def test_what_no_journal_can_take_is_delivered_or_not_recorded(
    shell: Shell, cycletrace_collector: FakeCollector, arguments: tuple[str, ...]
) -> None:
    shell.state.write_text("a file, not a folder", encoding="ascii")
    here = {"CYCLETRACE_CYCLE": "churn@7", "CYCLETRACE_ENDPOINT": cycletrace_collector.endpoint}
    delivered = shell.run(*arguments, **here)
    assert delivered.code == 0, delivered.err
    assert "It was delivered, but not kept on this machine" in delivered.out
    assert "no stage" not in delivered.err, "nothing is known where nothing can be kept"
    assert len(cycletrace_collector.spans) + len(cycletrace_collector.logs) == 1

    for how in ({"status": 400}, {"rejected": 1}, {"dies": True}):
        cycletrace_collector.reply_with(**how)
        rejected = shell.run(*arguments, **here)
        assert (rejected.code, rejected.out) == (2, "")
        assert "not recorded" in rejected.err


def test_a_mark_that_does_not_count_is_reported_with_the_reason(shell: Shell) -> None:
    def outcome() -> str:
        return str(shell.facts("--cycle", "churn@7")[0]["outcome"])

    served = shell.run("served", "churn", "7", "--environment", "prod-eu")
    assert (served.code, "in use" in served.out) == (0, False)
    assert "does not count as in_use, since prod-eu is not production" in served.out
    marked = shell.run("mark", "deployed", "--cycle", "churn@7", "--environment", "Staging")
    assert "does not count as deployed" in marked.out
    assert shell.run("mark", "trained", "--cycle", "churn@7", "--environment", "staging").out == "churn@7: trained.\n"
    assert outcome() == "open"
    ours = {"CYCLETRACE_PRODUCTION": "prod-eu,prod-us"}
    assert shell.run("served", "churn", "7", "--environment", "PROD-EU", **ours).out == "churn@7: in use.\n"


def test_a_key_of_another_cycle_is_not_reported_as_an_alias(shell: Shell) -> None:
    assert shell.run("alias", "churn@champion", "--cycle", "churn@7").code == 0
    assert shell.run("alias", "churn@champion", "--cycle", "churn@7").code == 0
    moved = shell.run("alias", "churn@champion", "--cycle", "churn@8")
    assert (moved.code, moved.out) == (1, "")
    assert "churn@champion already is a key of churn@7" in moved.err
    served = shell.run("served", "churn", "champion")
    assert "churn@champion is an alias of churn@7" in served.err
    assert [(facts["key"], facts["outcome"]) for facts in shell.facts()] == [("churn@7", "in_use")]


def test_an_idea_that_another_cycle_came_from_is_not_taken_over(shell: Shell) -> None:
    shell.run("start", "churn", "--version", "7", "--idea", "ISSUE-1")
    again = shell.run("start", "churn", "--version", "8", "--idea", "ISSUE-1", "--force")
    assert (again.code, again.out.partition(".")[0]) == (0, "churn@8 began")
    assert "ISSUE-1 already is a key of churn@7" in again.err


def test_served_hints_at_a_cycle_that_nobody_worked_on(shell: Shell) -> None:
    shell.run("stage", "begin", "train", "--cycle", "churn@7")
    assert shell.run("served", "churn", "7").err == ""
    typo = shell.run("served", "chrun", "7", CYCLETRACE_NAMESPACE="ads")
    assert (typo.code, typo.out) == (0, "chrun@7: in use.\n")
    assert "no stage of chrun@7 was recorded on this machine" in typo.err
    assert "'ads'" in typo.err


@pytest.mark.parametrize(
    ("at", "said"),
    [
        ("1767603600", "looks like seconds; in nanoseconds it is 1767603600000000000"),
        ("1767603600123", "looks like milliseconds; in nanoseconds it is 1767603600123000000"),
        ("1970-01-01T00:00:00Z", "from 2000 until 2100"),
        ("2060-01-01T00:00:00Z", "more than a day ahead"),
    ],
)
def test_an_instant_that_counts_in_no_figure_is_rejected(shell: Shell, at: str, said: str) -> None:
    result = shell.run("stage", "end", "train", "--cycle", "churn@7", "--at", at)
    assert result.code == 2
    assert said in result.err
    assert shell.facts() == []


def test_facts_as_of_the_future_are_given(shell: Shell) -> None:
    shell.run("mark", "deployed", "--cycle", "churn@7")
    assert [facts["outcome"] for facts in shell.facts("--at", "2060-01-01T00:00:00Z")] == ["deployed"]
