"""From a key to the trace in Jaeger."""

from __future__ import annotations

import json

from tests.cli.commands import Shell

from cycletrace.conventions import cycle_id

JAEGER = "http://jaeger.example:16686"


def test_the_link_leads_to_the_trace_whose_id_is_made_from_the_key(shell: Shell) -> None:
    opened = shell.run("open", "churn@7", CYCLETRACE_JAEGER_URL=f"{JAEGER}/")
    assert (opened.code, opened.out) == (0, f"{JAEGER}/trace/{cycle_id('', 'churn@7')}\n")


def test_the_same_key_of_another_team_is_another_trace(shell: Shell) -> None:
    link = f"{JAEGER}/trace/{cycle_id('vision', 'churn@7')}\n"
    assert shell.run("open", "churn@7", "--namespace", "vision", CYCLETRACE_JAEGER_URL=JAEGER).out == link
    assert shell.run("open", "churn@7", CYCLETRACE_JAEGER_URL=JAEGER, CYCLETRACE_NAMESPACE="vision").out == link


def test_without_a_key_it_is_the_cycle_that_is_known_here(shell: Shell) -> None:
    shell.run("start", "churn", "--version", "7")
    assert shell.run("open", CYCLETRACE_JAEGER_URL=JAEGER).out == f"{JAEGER}/trace/{cycle_id('', 'churn@7')}\n"


def test_an_alias_leads_to_the_trace_of_its_cycle(shell: Shell) -> None:
    shell.run("mark", "trained", "--cycle", "churn@first")
    shell.run("alias", "churn@7", "--cycle", "churn@first")
    opened = shell.run("open", "churn@7", CYCLETRACE_JAEGER_URL=JAEGER)
    assert opened.out == f"{JAEGER}/trace/{cycle_id('', 'churn@first')}\n"


def test_missing_packages_are_reported_in_one_sentence(shell: Shell) -> None:
    for result, word in (
        (shell.run("open", "churn@7"), "CYCLETRACE_JAEGER_URL is not set"),
        (shell.run("open", CYCLETRACE_JAEGER_URL=JAEGER), "cycletrace open KEY"),
        (shell.run("open", "churn@7", CYCLETRACE_JAEGER_URL="jaeger:16686"), "must be a URL"),
    ):
        assert result.code == 2
        assert word in result.err
        assert result.err.count("\n") == 1


def test_status_and_report_show_the_same_link_wherever_they_show_a_cycle(shell: Shell) -> None:
    link = f"{JAEGER}/trace/{cycle_id('', 'churn@7')}"
    shell.run("start", "churn", "--version", "7")
    for words in (["status"], ["report", "open"], ["report", "--cycle", "churn@7"]):
        shown = shell.run(*words, CYCLETRACE_JAEGER_URL=JAEGER)
        assert link in shown.out.split(), words
        without = shell.run(*words)
        assert (without.code, "/trace/" in without.out) == (0, False), words


def test_so_does_json_where_no_link_is_null(shell: Shell) -> None:
    link = f"{JAEGER}/trace/{cycle_id('', 'churn@7')}"
    shell.run("start", "churn", "--version", "7")
    for variables, wanted in (({"CYCLETRACE_JAEGER_URL": JAEGER}, link), ({}, None)):
        status, report, one = (
            json.loads(shell.run(*words, "--json", **variables).out)
            for words in (["status"], ["report"], ["report", "--cycle", "churn@7"])
        )
        assert [cycle["trace"] for cycle in (*status["open"], *report["work"]["open"], one)] == [wanted] * 3


def test_an_invalid_base_url_is_reported_first(shell: Shell) -> None:
    shell.run("start", "churn", "--version", "7")
    for words in (["status"], ["report"], ["report", "--cycle", "churn@7"]):
        result = shell.run(*words, CYCLETRACE_JAEGER_URL="jaeger:16686")
        assert (result.code, result.out) == (2, "")
        assert "must be a URL" in result.err
