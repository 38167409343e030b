"""Taking back what was recorded by mistake."""

from __future__ import annotations

import pytest
from tests.cli.commands import Shell

CYCLE = ("--cycle", "churn@7")


def test_the_last_word_is_taken_back_then_the_one_before(shell: Shell) -> None:
    shell.run("mark", "selected", *CYCLE)
    shell.run("mark", "in_use", *CYCLE, "--at", "2026-01-05T09:00:00Z")
    (facts,) = shell.facts()
    assert facts["outcome"] == "in_use"
    taken = shell.run("retract")
    assert (taken.code, taken.out) == (0, "Retracted: mark in_use of churn@7, at 2026-01-05T09:00:00Z.\n")
    (facts,) = shell.facts()
    assert (facts["outcome"], facts["marks"]["in_use"]) == ("open", None)
    assert facts["marks"]["selected"] is not None
    assert "mark selected" in shell.run("retract").out
    assert shell.facts() == []
    nothing = shell.run("retract")
    assert (nothing.code, nothing.out) == (1, "")
    assert "Nothing that was recorded here" in nothing.err
    (*_, retraction) = shell.spans()
    assert (retraction["span"], retraction["end"] - retraction["start"]) == ("retract", 1000)


@pytest.mark.parametrize("has_ended", [False, True])
def test_a_stage_or_wait_is_taken_back_whole(shell: Shell, has_ended: bool) -> None:
    for what in (("stage", "deploy"), ("wait", "human")):
        shell.run(what[0], "begin", what[1], *CYCLE)
        if has_ended:
            shell.run(what[0], "end", what[1], *CYCLE)
        assert shell.facts() != []
        assert what[1] in shell.run("retract").out
        assert shell.facts() == []


def test_the_list_has_the_id_of_each_word_but_of_no_measured_stage(shell: Shell) -> None:
    shell.run("run", "--stage", "train", *CYCLE, "--", "true")
    shell.run("close", "failed", *CYCLE, "--at", "2026-01-05T09:00:00Z")
    shell.run("alias", "run-1", "--cycle", "fraud@1")
    first, second = shell.run("retract", "--list").out.splitlines()
    closed, _, words = first.partition("  ")
    assert words == "close failed of churn@7, at 2026-01-05T09:00:00Z"
    assert "alias run-1 of fraud@1" in second
    assert shell.run("retract", "--list", *CYCLE).out == first + "\n"
    assert shell.run("retract", closed.upper()).code == 0
    assert shell.run("retract", "--list").out == second + "\n"
    (churn,) = shell.facts(*CYCLE)
    assert churn["outcome"] == "open"
    assert shell.run("retract").code == 0
    assert shell.run("facts", "--cycle", "run-1").code == 1


def test_a_measured_stage_is_taken_back_by_its_id_also_in_a_run_without_a_cycle(shell: Shell) -> None:
    code = "from cycletrace import stage\nfor name in ('train', 'deploy'):\n    with stage(name): pass"
    assert shell.python(code).code == 0
    (facts,) = shell.facts()
    assert shell.run("retract", facts["stages"][1]["id"]).code == 0
    (left,) = shell.facts()
    assert [stage["name"] for stage in left["stages"]] == ["train"]
    assert left["implicit"] is True


def test_an_id_that_is_not_known_here_needs_its_cycle(shell: Shell) -> None:
    unknown = shell.run("retract", "0123456789abcdef")
    assert (unknown.code, "--cycle KEY" in unknown.err) == (1, True)
    assert shell.run("retract", "0123456789abcdef", *CYCLE).code == 0
    (span,) = shell.spans()
    assert span["attributes"]["cycletrace.retracted"] == "0123456789abcdef"
    assert span["attributes"]["cycletrace.cycle.key"] == "churn@7"
