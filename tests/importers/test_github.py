"""``cycletrace import github``: from runs to records, and from saved answers to facts."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from tests.cli.commands import Result, Shell
from tests.importers.histories import Json, at, deployment, job, run, small
from tests.importers.told import EIGHT, MINUTE, minutes, parted, told

from cycletrace import conventions as c
from cycletrace._internal.flow import Close, Mark, Record, Stage, Wait
from cycletrace._internal.importers import github
from cycletrace._internal.importers.found import Problem
from cycletrace._internal.importers.jobs import Choices
from cycletrace._internal.kinds import kind_of

CHOICES = Choices("", EIGHT + 20 * 86_400 * 10**9, github.KEY)
LATER = CHOICES._replace(now=EIGHT + 40 * 86_400 * 10**9)


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    return Shell(tmp_path)


def found(
    jobs: list[Json],
    of: Json | None = None,
    deployed: tuple[Json, list[Json]] | None = None,
    choices: Choices = CHOICES,
) -> tuple[list[Record], list[Problem]]:
    """The records of a run with these jobs, and what was wrong with them."""
    deployments = github.deployments_by_job([deployed[0]], deployed[1]) if deployed else {}
    whole = run(101, at("08:00"), event="workflow_dispatch") if of is None else of
    return parted(github.read_run(whole, jobs, deployments, choices))


def test_a_job_is_a_stage_and_its_queue_a_wait() -> None:
    records, problems = found([job(101, 1, "train", at("08:05"), at("08:15"), at("09:15"))])
    assert (told(records), problems) == ([("compute", 5, 15), ("train", 15, 75, "ok")], [])
    stage = records[1]
    assert isinstance(stage, Stage)
    cycle = c.cycle_id("", "churn@101")
    assert stage.id == c.job_stage_id(cycle, "github", "1", 1)
    assert (stage.kind, stage.launch, stage.actor, stage.environment) == ("train", "ci", "automation", None)
    assert stage.origin[:6] == (cycle, "churn@101", None, "churn", None, "101")


@pytest.mark.parametrize(
    ("conclusion", "outcome"),
    [
        ("success", "ok"),
        ("failure", "error"),
        ("timed_out", "timeout"),
        ("cancelled", "cancelled"),
        ("neutral", "ok"),
        ("stale", "lost"),
    ],
)
def test_the_outcome_is_the_conclusion(conclusion: str, outcome: str) -> None:
    records, _ = found([job(101, 1, "train", at("08:00"), at("08:00"), at("08:10"), conclusion=conclusion)])
    assert told(records) == [("train", 0, 10, outcome)]


def test_a_skipped_job_is_no_failure() -> None:
    skipped = job(101, 2, "deploy", at("08:10"), at("08:10"), at("08:10"), conclusion="skipped", runner_id=0, steps=[])
    assert found([skipped]) == ([], [])


def test_a_queue_time_is_never_negative() -> None:
    records, _ = found([job(101, 1, "train", at("08:15"), at("08:14"), at("08:20"))])
    assert told(records) == [("train", 14, 20, "ok")]
    records, _ = found([job(101, 1, "train", at("08:00"), at("08:14"), at("08:13"))])
    assert told(records) == [("compute", 0, 14), ("train", 14, 14, "ok")]


def test_a_repeated_run_does_not_repeat_the_jobs_that_it_took_over() -> None:
    records, _ = found([one for one in small().jobs if one["run_id"] == 101])
    stages = [one for one in records if isinstance(one, Stage)]
    assert [(one.name, minutes(one.start), one.outcome) for one in stages] == [
        ("train", 15, "ok"),
        ("test (a)", 80, "ok"),
        ("test (b)", 80, "error"),
        ("test (b)", 122, "ok"),
        ("deploy", 205, "ok"),
    ]
    assert len({one.id for one in stages}) == 5


def test_jobs_of_one_name_in_one_attempt_are_all_kept() -> None:
    records, _ = found([job(101, number, "shard", at("08:00"), at("08:00"), at("08:10")) for number in (1, 2)])
    assert told(records) == [("shard", 0, 10, "ok")] * 2


def test_what_is_open_is_recorded_as_open() -> None:
    jobs = [
        job(101, 1, "train", at("08:05"), at("08:15"), None),
        job(101, 2, "lint", at("08:05"), at("08:05"), None, status="queued", runner_id=None, steps=[]),
        job(101, 3, "deploy", at("08:05"), at("08:05"), None, status="waiting", runner_id=None, steps=[]),
    ]
    records, problems = found(jobs)
    assert problems == []
    assert told(records) == [("compute", 5, 15), ("train", 15, None, None), ("compute", 5, None), ("human", 5, None)]
    jobs[2] = job(101, 3, "deploy", at("08:05"), at("09:00"), at("09:10"))
    closed, _ = found(jobs, deployed=deployment(101, 3, "live", (at("08:05"), "waiting"), (at("08:50"), "queued")))
    assert told(closed)[3:] == [("human", 5, 50), ("compute", 50, 60), ("deploy", 60, 70, "ok")]
    assert [one.id for one in (records[3], closed[3]) if isinstance(one, Wait)] == [closed[3].id] * 2  # type: ignore[union-attr]


def test_a_job_that_ended_before_it_got_a_machine_only_waited() -> None:
    never = {"conclusion": "cancelled", "runner_id": 0, "steps": []}
    records, _ = found([job(101, 1, "train", at("08:05"), at("08:05"), at("08:25"), **never)])
    assert told(records) == [("compute", 5, 25)]
    rejected = job(101, 3, "deploy", at("08:05"), at("08:05"), at("08:25"), **{**never, "conclusion": "failure"})
    states = (at("08:05"), "waiting"), (at("08:25"), "failure")
    records, _ = found([rejected], deployed=deployment(101, 3, "live", *states))
    assert told(records) == [("human", 5, 25)]


def test_an_approval_without_a_time_of_decision_lasts_until_the_job_starts() -> None:
    records, _ = found(
        [job(101, 3, "deploy", at("08:05"), at("09:00"), at("09:10"))],
        deployed=deployment(101, 3, "staging", (at("08:05"), "waiting")),
    )
    assert told(records) == [("human", 5, 60), ("deploy", 60, 70, "ok")]
    stage = records[-1]
    assert isinstance(stage, Stage)
    assert stage.environment == "staging"


def test_a_deployment_stays_that_of_the_job_that_began_it() -> None:
    whole, statuses = deployment(101, 3, "staging", (at("08:05"), "in_progress"), (at("08:10"), "success"))
    of_later = "https://github.com/octo/churn/actions/runs/102/job/9"
    statuses.insert(0, {**statuses[0], "state": "inactive", "created_at": at("09:00"), "log_url": of_later})
    assert list(github.deployments_by_job([whole], statuses)) == ["3"]


def test_the_key_is_made_from_the_run() -> None:
    of = run(101, at("08:00"), name="Release it", head_branch="v1")
    jobs = [job(101, 1, "train", at("08:00"), at("08:00"), at("08:10"))]
    choices = CHOICES._replace(key="{model}@{sha:.4}-{branch}-{run_number}-{workflow}", model="uplift", namespace="ads")
    origin = found(jobs, of, choices=choices)[0][0].origin
    assert origin.key == "uplift@0000-v1-1-Release it"
    assert (origin.cycle_id, origin.model, origin.version) == (
        c.cycle_id("ads", origin.key),
        "uplift",
        "0000-v1-1-Release it",
    )
    other = found(jobs, of, choices=CHOICES._replace(key="idea-{branch}"))[0][0].origin
    assert (other.key, other.model, other.version) == ("idea-v1", "churn", None)


def test_a_cycle_begins_with_the_commit_that_caused_it_and_not_with_a_schedule() -> None:
    jobs = [job(101, 1, "train", at("08:05"), at("08:05"), at("08:10"))]
    commit = {"timestamp": "2026-02-02T08:30:00+02:00"}
    for event, expected, trigger in (
        ("push", [-90], None),
        ("schedule", [], "schedule"),
        ("workflow_dispatch", [], None),
    ):
        records, _ = found(jobs, run(101, at("08:00"), event=event, head_commit=commit))
        assert [minutes(one.at) for one in records if isinstance(one, Mark)] == expected
        assert records[0].origin.trigger == trigger
    skipped = job(101, 2, "deploy", at("08:10"), at("08:10"), at("08:10"), conclusion="skipped")
    assert found([skipped], run(101, at("08:00"), head_commit=commit)) == ([], [])


@pytest.mark.parametrize(
    ("conclusion", "outcome"), [("failure", "failed"), ("cancelled", "abandoned"), ("success", None)]
)
def test_a_run_that_failed_closes_its_cycle_once_it_cannot_be_repeated(conclusion: str, outcome: str | None) -> None:
    jobs = [job(101, 1, "train", at("08:00"), at("08:00"), at("08:10"), conclusion="failure")]
    of = run(101, at("08:00"), conclusion=conclusion)

    def closes(choices: Choices) -> list[tuple[str, float | None]]:
        return [(one.outcome, minutes(one.at)) for one in found(jobs, of, choices=choices)[0] if isinstance(one, Close)]

    assert closes(CHOICES) == []
    assert closes(LATER) == ([] if outcome is None else [(outcome, 10)])
    assert closes(LATER._replace(key="{model}@{sha}")) == []  # another run may do what this one did not
    assert github.version_of(of, CHOICES) != github.version_of(of, LATER)


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"name": ""}, "name is missing"),
        ({"started_at": None}, "it is completed, and started_at is missing"),
        ({"started_at": "now"}, "started_at must be a time"),
        ({"completed_at": "1999-01-01T00:00:00Z"}, "completed_at must be a time from 2000 until 2100"),
        ({"conclusion": "odd"}, "conclusion must be one of success, .*, got 'odd'"),
    ],
)
def test_a_bad_job_is_a_problem_and_the_others_are_taken(wrong: Json, reason: str) -> None:
    good = job(101, 1, "train", at("08:00"), at("08:00"), at("08:10"))
    records, problems = found([{**good, **wrong}, {**good, "id": 2, "name": "test"}])
    assert [one.name for one in records if isinstance(one, Stage)] == ["test"]
    (problem,) = problems
    assert problem.where == "run 101, job 1"
    assert re.match(reason, problem.reason)


@pytest.mark.parametrize(
    ("name", "kinds", "expected"),
    [
        ("train", (), "train"),
        ("Deploy to production", (), "deploy"),
        ("call-test / build (3.12)", (), "test"),
        ("Unit tests", (), "other"),
        ("retrain", (), "other"),
        ("Unit tests", (("unit*", "test"),), "test"),
        ("train", (("*", "data"), ("train", "train")), "data"),
    ],
)
def test_the_kind_of_a_job(name: str, kinds: tuple[tuple[str, str], ...], expected: str) -> None:
    assert kind_of(name, kinds) == expected


def saved(shell: Shell, *arguments: str, **variables: str) -> Result:
    folder = shell.folder / "saved"
    folder.mkdir(exist_ok=True)
    small().save(lambda name, text: (folder / name).write_text(text, encoding="utf-8"))
    return shell.run("import", "github", "saved", *arguments, **variables)


def test_the_figures_are_those_computed_by_hand(shell: Shell) -> None:
    """Committed 8:00, run 8:05; trained 8:15 to 9:15 after 10 min; tested 9:20 to 9:40 after 5 min, in vain; repeated
    10:00; tested 10:02 to 10:22; approved 11:22; deployed 11:25 to 11:35.
    """
    done = saved(shell)
    assert (done.code, done.err) == (0, "")
    assert done.out == "Recorded 3 cycles: 7 stages, 9 waits, 1 mark, 1 close.\n"
    cycles = {facts["key"]: facts for facts in shell.facts("--at", "2026-03-20T00:00:00Z")}
    whole = cycles["churn@101"]
    assert (whole["outcome"], whole["model"], whole["trigger"], whole["flags"]) == ("deployed", "churn", "idea", {})
    assert whole["cycle_time_ns"] == 215 * MINUTE
    assert {part: length and length / MINUTE for part, length in whole["parts_ns"].items()} == {
        "training": 75,
        "selection": 5,
        "deployment": 135,
        "activation": None,
    }
    assert {name: length / MINUTE for name, length in whole["activity_ns"].items() if length} == {
        "work.automation": 60 + 20 + 20 + 10,
        "wait.compute": 10 + 5 + 2 + 3,
        "wait.human": 60,
        "unexplained": 5 + 20,
    }
    assert sorted((one["name"], one["attempt"], one["outcome"]) for one in whole["stages"]) == [
        ("deploy", 1, "ok"),
        ("test (a)", 1, "ok"),
        ("test (b)", 1, "error"),
        ("test (b)", 2, "ok"),
        ("train", 1, "ok"),
    ]
    assert (cycles["churn@102"]["outcome"], cycles["churn@102"]["trigger"]) == ("failed", "schedule")
    assert cycles["churn@103"]["outcome"] == "open"


def test_importing_again_changes_nothing(shell: Shell) -> None:
    saved(shell)
    before, spans = shell.facts("--at", "2026-03-20T00:00:00Z"), len(shell.spans())
    assert saved(shell).out == "Recorded nothing: 3 imported before are unchanged.\n"
    assert len(shell.spans()) == spans
    saved(shell, "--again")
    assert shell.facts("--at", "2026-03-20T00:00:00Z") == before


def test_filters_choose_runs(shell: Shell) -> None:
    def cycles(*arguments: str) -> int:
        return int(json.loads(saved(shell, "--dry-run", "--json", *arguments).out)["cycles"])

    assert [cycles("--workflow", name) for name in ("Deploy", "deploy.yml", "ci.yml")] == [3, 3, 0]
    assert [cycles("--branch", name) for name in ("main", "dev")] == [3, 0]
    assert cycles("--since", at("12:00")) == 2
    assert cycles("--key", "one") == 1


def test_answers_that_are_cut_off_or_something_else_are_reported(shell: Shell) -> None:
    folder = shell.folder / "saved"
    folder.mkdir()
    small().save(lambda name, text: (folder / name).write_text(text, encoding="utf-8"))
    runs = (folder / "runs.json").read_text()
    (folder / "runs.json").write_text(runs[:-50])  # the second page
    (folder / "jobs.json").write_text(json.dumps(small().jobs[:-2]))
    (folder / "users.json").write_text('[{"login": "ann"}]')
    (folder / "notes.json").write_bytes(b"\xff")
    (folder / "deep.json").write_text("[" * 100_000)
    done = shell.run("import", "github", "saved")
    assert (done.code, done.out) == (1, "Recorded nothing.\n")
    assert "saved/runs.json: it is cut off, or no JSON, after" in done.err
    assert "saved/users.json: it holds objects that are no runs" in done.err
    assert "saved/notes.json: it cannot be read" in done.err
    assert "saved/deep.json: it is cut off, or no JSON, after 0 characters" in done.err
    assert "run 103: none of the files holds its jobs" in done.err


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ((), "name saved answers"),
        (("saved", "--repo", "octo/churn"), "name saved answers"),
        (("--repo", "churn"), "--repo must be a path such as octo/churn, got 'churn'"),
        (("--repo", "octo/churn", "--api", "example.org"), "--api must be a URL such as https://api.github.com"),
        (("saved", "--key", "{tag}"), "--key must be a text with some of {model}, {run_id}, "),
        (("saved", "--key", "{model"), "--key must be a text with some of"),
        (("saved", "--kind", "train=training"), "must be PATTERN=KIND, with one of data, train"),
    ],
)
def test_wrong_usage_is_a_sentence(shell: Shell, arguments: tuple[str, ...], sentence: str) -> None:
    done = shell.run("import", "github", *arguments)
    assert (done.code, done.out) == (2, "")
    assert sentence in done.err
    assert not shell.state.exists()


def test_a_missing_file_is_a_sentence(shell: Shell) -> None:
    done = shell.run("import", "github", "nothing")
    assert (done.code, done.out, done.err) == (1, "Recorded nothing.\n", "cycletrace: nothing does not exist.\n")


@pytest.mark.parametrize("value", [None, True, 7, 1.5, "x", [], ["x"], {}, {"id": {}, "name": [], "timestamp": 7}])
def test_answers_that_hold_anything_raise_nothing(value: Any) -> None:
    """What cannot be used is a problem."""
    history = small()
    for whole in history:
        for one in whole:
            for field in list(one):
                before, one[field] = one[field], value
                deployments = github.deployments_by_job(history.deployments, history.statuses)
                for each in history.runs:
                    assert github.is_wanted(each, CHOICES._replace(branch="main", workflow="x")) in {True, False}
                    github.version_of(each, CHOICES)
                    list(github.read_run(each, history.jobs, deployments, LATER))
                one[field] = before
