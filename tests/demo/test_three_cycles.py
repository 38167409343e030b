"""The facts of the demo, compared with the demo's own log."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from tests.demo.helpers import CYCLETRACE, PAGE, Demo, quiet_environment

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(900),  # three trainings, also on a machine that does much else
]

BEFORE_APPROVAL = ["prepare", "train", "evaluate", "select", "test", "package"]
STEPS = [*BEFORE_APPROVAL, "approve", "deploy", "activate"]

PRECISION = 10_000_000
"""Nanoseconds by which the log's clock, the wall, may drift from the steady one by which stages are measured."""


def steps_of(facts: dict[str, Any]) -> list[dict[str, Any]]:
    """The stages that no other contains."""
    return [stage for stage in facts["stages"] if stage["parent"] is None]


def stage_of(facts: dict[str, Any], name: str) -> dict[str, Any]:
    stages: list[dict[str, Any]] = facts["stages"]
    (stage,) = (stage for stage in stages if stage["name"] == name)
    return stage


def logged(demo: Demo, **what: str) -> dict[str, Any]:
    (line,) = (line for line in demo.log if what.items() <= line.items())
    return line


def test_one_is_in_use_one_is_abandoned_one_is_open(demo: Demo) -> None:
    assert {key: facts["outcome"] for key, facts in demo.facts.items()} == {
        "digits@1": "in_use",
        "digits@2": "abandoned",
        "digits@3": "open",
    }
    for facts in demo.facts.values():
        assert (facts["model"], facts["domain"], facts["implicit"], facts["flags"]) == ("digits", "images", False, {})


@pytest.mark.parametrize(
    ("key", "names"),
    [("digits@1", STEPS), ("digits@2", STEPS[:5]), ("digits@3", BEFORE_APPROVAL)],
)
def test_every_step_is_a_stage_where_the_log_saw_it(demo: Demo, key: str, names: list[str]) -> None:
    """Each stage contains what ran inside it, and lies in the life of its process."""
    stages = steps_of(demo.facts[key])
    assert [stage["name"] for stage in stages] == names
    for stage in stages:
        inside = logged(demo, version=demo.facts[key]["version"], step=stage["name"])
        outside = logged(demo, version=demo.facts[key]["version"], process=stage["name"])
        assert outside["start"] <= stage["start"] <= inside["start"]
        assert inside["end"] - PRECISION <= stage["end"] <= outside["end"] + PRECISION


def test_in_use_is_the_clients_first_answer_by_the_new_version(demo: Demo) -> None:
    first = logged(demo, client="first answer", version="1")
    facts = demo.facts["digits@1"]
    assert first["answered"] <= facts["marks"]["in_use"] <= first["noted"]
    assert "in_use" not in facts["derived"]
    assert stage_of(facts, "activate")["mechanism"] == "alias"


def test_the_other_marks_are_the_ends_of_their_steps(demo: Demo) -> None:
    facts = demo.facts["digits@1"]
    assert facts["derived"] == ["started", "trained", "selected", "deployed"]
    assert facts["marks"] == {
        "started": stage_of(facts, "prepare")["start"],
        "trained": stage_of(facts, "train")["end"],
        "selected": stage_of(facts, "select")["end"],
        "deployed": stage_of(facts, "deploy")["end"],
        "in_use": facts["marks"]["in_use"],
    }


def test_everything_adds_up_in_integers(demo: Demo) -> None:
    for facts in demo.facts.values():
        owners = facts["owners"]
        assert sum(facts["activity_ns"].values()) == facts["cycle_time_ns"]
        assert sum(owner["end"] - owner["start"] for owner in owners) == facts["cycle_time_ns"]
        assert [owner["end"] for owner in owners[:-1]] == [owner["start"] for owner in owners[1:]]
    parts = demo.facts["digits@1"]["parts_ns"]
    assert parts["training"] + parts["selection"] + parts["deployment"] == demo.facts["digits@1"]["cycle_time_ns"]
    assert 0 < parts["activation"] < parts["deployment"]


def test_the_search_of_each_family_lies_inside_the_training(demo: Demo) -> None:
    for facts in demo.facts.values():
        train = stage_of(facts, "train")
        searches = [stage for stage in facts["stages"] if stage["parent"] is not None]
        assert [search["name"] for search in searches] == ["search svm", "search neighbours", "search forest"]
        assert {search["parent"] for search in searches} == {train["id"]}


def test_the_second_fails_its_tests_for_a_real_reason_and_is_given_up(demo: Demo) -> None:
    facts = demo.facts["digits@2"]
    assert stage_of(facts, "test")["outcome"] == "error"
    assert {stage["outcome"] for stage in facts["stages"] if stage["name"] != "test"} == {"ok"}
    said = logged(demo, version="2", step="abandon")
    assert said["start"] <= facts["marks"]["started"] + facts["cycle_time_ns"] <= said["end"]
    report = (demo.root / "versions" / "2" / "test.log").read_text(encoding="utf-8")
    assert "FAILED ::test_accuracy " in report


def test_stages_are_automation_by_default(demo: Demo) -> None:
    for facts in demo.facts.values():
        assert {(stage["actor"], stage["launch"]) for stage in facts["stages"]} == {("automation", "other")}
        assert facts["waits"] == []


def test_the_old_version_answers_until_the_new_one_does(demo: Demo) -> None:
    """No question went unanswered, or the client would not have come to its last line."""
    answers = logged(demo, client="done")["answers"]
    assert set(answers) == {"0", "1"}
    assert logged(demo, client="first answer", version="0")["answered"] < demo.facts["digits@1"]["marks"]["started"]


def test_no_process_outlives_it(demo: Demo) -> None:
    (services,) = (line["services"] for line in demo.log if "services" in line)
    for pid in services:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


def test_it_prints_progress_report_location_and_next_steps(demo: Demo) -> None:
    lines = demo.output.splitlines()
    for step in STEPS:
        assert any(line.startswith(f"  {step} ") for line in lines), step
    assert f"All files are in {demo.root}" in demo.output
    commands = [line.split() for line in lines if line.startswith("  cycletrace ")]
    assert [command[1] for command in commands] == ["report", "facts", "run"]


def test_it_writes_the_page_of_its_cycles(demo: Demo) -> None:
    page = demo.root.with_name(PAGE).read_text(encoding="utf-8")
    for key in ("digits@1", "digits@2", "digits@3"):
        assert f"{key}</bdi>" in page
    assert f"The report is in {demo.root.with_name(PAGE)}." in demo.output


def test_its_commands_work(demo: Demo) -> None:
    offered = [line.split()[1:] for line in demo.output.splitlines() if line.startswith("  cycletrace ")]
    for arguments in offered[:2]:
        done = subprocess.run(
            [*CYCLETRACE, *arguments], env=quiet_environment(), capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        assert "digits@1" in done.stdout


def test_the_archive_that_is_served_is_the_one_that_was_approved(demo: Demo) -> None:
    folder = demo.root / "versions" / "1"
    assert (folder / "digits-1.approved").read_text() == (folder / "digits-1.sha256").read_text()
    assert Path(demo.root / "production").read_text() == "1"
    assert set(json.loads((folder / "scores.json").read_text())) == {"svm", "neighbours", "forest"}
