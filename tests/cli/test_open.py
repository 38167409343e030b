"""From a key to the trace in Jaeger."""

from __future__ import annotations

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


def test_what_is_missing_is_said_in_one_sentence(shell: Shell) -> None:
    for result, word in (
        (shell.run("open", "churn@7"), "CYCLETRACE_JAEGER_URL is not set"),
        (shell.run("open", CYCLETRACE_JAEGER_URL=JAEGER), "cycletrace open KEY"),
        (shell.run("open", "churn@7", CYCLETRACE_JAEGER_URL="jaeger:16686"), "expected a URL"),
    ):
        assert result.code == 2
        assert word in result.err
        assert result.err.count("\n") == 1
