"""``cycletrace import otlp --rules``: the same records as a collector with these rules makes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.cli.commands import Shell
from tests.collector.process import Collect, eventually
from tests.rules.payloads import PIPELINE, airflow, circleci, request, task

A_DAY_LATER = "2026-01-06T09:00:00Z"
LINES = (
    request(task("train", "success", 1), task("deploy", "failure", 2, start=10, end=15), resource=PIPELINE),
    request(circleci("approval", "hold", 3, start=20, end=60), circleci("build", "deploy", 4, start=60, end=70)),
    request(task("test", "success", 5), resource={**PIPELINE, "service.namespace": "ads"}),
)


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    shell = Shell(tmp_path)
    (tmp_path / "otlp.json").write_bytes(b"\n".join(LINES))
    return shell


def facts(shell: Shell) -> list[dict[str, Any]]:
    return shell.facts("--at", A_DAY_LATER)


def test_without_rules_spans_of_others_are_left_out(shell: Shell) -> None:
    done = shell.run("import", "otlp", "otlp.json")
    assert (done.code, done.out) == (0, "Recorded nothing.\n")


def test_the_facts_are_those_of_a_collector_with_the_same_rules(shell: Shell, tmp_path: Path) -> None:
    collector = Collect(tmp_path / "collector.db", "--rules", "cicd")
    try:
        for line in LINES:
            assert collector.post("traces", line, "application/json") == 200
        collected = eventually(lambda: collector.facts("--at", A_DAY_LATER), lambda found: len(found) == 2)
    finally:
        collector.kill()
    done = shell.run("import", "otlp", "otlp.json", "--rules", "cicd", CYCLETRACE_NAMESPACE="unrelated")
    assert (done.code, done.err) == (0, "")
    assert done.out == "Recorded 2 cycles: 4 stages, 1 wait.\n"
    assert facts(shell) == collected
    assert {one["namespace"] for one in collected} == {"", "ads"}


def test_importing_again_changes_nothing(shell: Shell) -> None:
    command = ("import", "otlp", "otlp.json", "--rules", "cicd")
    assert shell.run(*command).code == 0
    before = facts(shell)
    assert shell.run(*command).out == "Recorded nothing: 3 imported before are unchanged.\n"
    assert shell.run(*command, "--again").code == 0
    assert facts(shell) == before


def test_other_rules_make_something_of_what_was_imported_before(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "more.json").write_bytes(request(airflow("train", "success")))
    assert shell.run("import", "otlp", "more.json", "--rules", "cicd").out == "Recorded nothing.\n"
    done = shell.run("import", "otlp", "more.json", "--rules", "cicd", "--rules", "airflow")
    assert done.out == "Recorded 1 cycle: 1 stage.\n"


def test_a_span_that_rules_mean_and_cannot_use_is_a_problem(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "bare.json").write_bytes(request(task("train", "success")))
    done = shell.run("import", "otlp", "bare.json", "--rules", "cicd")
    assert done.code == 1
    assert done.err == (
        "cycletrace: bare.json, line 1: cicd, rule 5 (a task): the attribute vcs.repository.name is missing\n"
    )


def test_rules_that_cannot_be_used_end_the_import(shell: Shell) -> None:
    done = shell.run("import", "otlp", "otlp.json", "--rules", "missing.toml")
    assert done.code == 2
    assert "missing.toml cannot be read" in done.err
    assert not shell.state.exists()
