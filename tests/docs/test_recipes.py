"""The recipes for CI systems and clusters: their commands are run with the variables that such a system sets."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.collector.process import eventually
from tests.docs.pages import blocks, page
from tests.journals import environment, read_facts

from cycletrace import conventions as c

GIT = {"GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_SYSTEM": "/dev/null"}
SECOND = 10**9


def document(name: str) -> dict[str, Any]:
    """The YAML of a recipe."""
    (only,) = (block.text for block in blocks(page(f"recipes/{name}")) if block.info == ("yaml",))
    loaded: dict[str, Any] = yaml.load(only, yaml.BaseLoader)
    return loaded


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """A folder with the scripts that the recipes run."""
    folder = tmp_path / "churn"
    folder.mkdir()
    for name in ("prepare", "train", "test"):
        (folder / f"{name}.py").write_text(f"print({name!r})\n", encoding="utf-8")
    return folder


@pytest.fixture
def first_commit(work: Path) -> int:
    """Make the folder a repository on a branch with two commits; the instant of the first one."""

    def git(*words: str, date: str = "2026-11-24T10:00:00Z") -> None:
        dated = {"GIT_AUTHOR_DATE": date, "GIT_COMMITTER_DATE": date}
        by = ("-c", "user.name=x", "-c", "user.email=x@example.com")
        run(["git", *by, *words], work, {**GIT, **dated})

    git("init", "--quiet", "--initial-branch=main")
    git("commit", "--quiet", "--allow-empty", "--message=base", date="2026-11-20T10:00:00Z")
    git("update-ref", "refs/remotes/origin/main", "HEAD")
    git("switch", "--quiet", "--create=idea")
    git("commit", "--quiet", "--allow-empty", "--message=first")
    git("commit", "--quiet", "--allow-empty", "--message=second", date="2026-11-25T10:00:00Z")
    return 1_795_514_400 * SECOND  # 2026-11-24T10:00:00Z


def run(command: list[str], folder: Path, variables: Mapping[str, str] = {}) -> str:
    here = environment(folder.parent / "state", **variables)
    here["PATH"] = f"{Path(sys.executable).parent}:{here['PATH']}"
    done = subprocess.run(command, cwd=folder, env=here, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    return done.stdout


def bash(script: str, folder: Path, variables: Mapping[str, str]) -> None:
    """Run a step as CI systems do. The installation is that of the tests."""
    if script != "pip install cycletrace":
        run(["bash", "-eo", "pipefail", "-c", script], folder, variables)


def history(folder: Path, *words: str) -> dict[str, Any]:
    """The facts after an import of the same job's history."""
    run([sys.executable, "-m", "cycletrace", "import", *words], folder)
    (facts,) = read_facts(folder.parent / "state")
    return facts


def stages_of(facts: Mapping[str, Any]) -> list[tuple[str, str | None]]:
    """The names of stages, each with that of the stage around it."""
    names = {run["id"]: run["name"] for run in facts["stages"]}
    return [(run["name"], names.get(run["parent"])) for run in facts["stages"]]


def test_the_steps_for_github_actions_record_a_cycle_that_an_import_completes(work: Path, first_commit: int) -> None:
    workflow = document("github-actions.md")
    known = {
        "github.run_id": "9001",
        "job.check_run_id": "77",
        "vars.CYCLETRACE_ENDPOINT": "",
        "secrets.CYCLETRACE_TOKEN": "",
    }

    def given(env: Mapping[str, str]) -> dict[str, str]:
        return {name: re.sub(r"\$\{\{ (.+?) \}\}", lambda found: known[found[1]], text) for name, text in env.items()}

    around = {"CI": "true", "GITHUB_ACTIONS": "true", **GIT, **given(workflow["env"])}
    del around["CYCLETRACE_ENDPOINT"], around["OTEL_EXPORTER_OTLP_HEADERS"]  # nobody listens
    for step in workflow["jobs"]["train"]["steps"]:
        if "run" in step:
            bash(step["run"], work, {**around, **given(step.get("env", {}))})
    (facts,) = read_facts(work.parent / "state")
    assert (facts["key"], facts["marks"]["started"]) == ("churn@9001", first_commit)
    assert stages_of(facts) == [("train", None), ("test", None)]
    assert {stage["launch"] for stage in facts["stages"]} == {"ci"}

    now = time.time()
    instants = {
        name: time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now + seconds))
        for name, seconds in (("created_at", -900), ("started_at", -600), ("completed_at", -1))
    }
    saved = work / "saved"
    saved.mkdir()
    a_run = {
        "id": 9001,
        "workflow_id": 5,
        "run_attempt": 1,
        "status": "completed",
        "conclusion": "success",
        "event": "push",
        "name": "train",
        "head_branch": "idea",
        "head_sha": "a" * 40,
        "path": ".github/workflows/train.yml",
        "repository": {"name": "churn", "full_name": "octo/churn"},
        "run_started_at": instants["created_at"],
        "updated_at": instants["completed_at"],
        **instants,
    }
    a_job = {
        "id": 77,
        "run_id": 9001,
        "run_attempt": 1,
        "name": "train",
        "status": "completed",
        "conclusion": "success",
        **instants,
    }
    (saved / "runs.json").write_text(json.dumps({"total_count": 1, "workflow_runs": [a_run]}), encoding="utf-8")
    (saved / "jobs.json").write_text(json.dumps({"total_count": 1, "jobs": [a_job]}), encoding="utf-8")
    facts = history(work, "github", "saved")
    assert sorted(stages_of(facts), key=str) == [("test", "train"), ("train", "train"), ("train", None)]
    assert [(wait["reason"], (wait["end"] - wait["start"]) // SECOND) for wait in facts["waits"]] == [("compute", 300)]


def test_the_jobs_for_gitlab_record_a_cycle_that_an_import_completes(work: Path, first_commit: int) -> None:
    pipeline = document("gitlab-ci.md")
    jobs = {name: job for name, job in pipeline.items() if "script" in job}
    assert list(jobs) == ["train", "test"]
    began = int(time.time()) - 600
    for number, (name, job) in enumerate(jobs.items(), 501):
        around = {
            "CI": "true",
            "GITLAB_CI": "true",
            "CI_PIPELINE_ID": "42",
            "CI_JOB_ID": str(number),
            "CI_JOB_NAME": name,
        }
        revision = run(["git", "rev-list", "--max-count=1", "--skip=1", "HEAD"], work, GIT).strip()
        around |= {"CI_COMMIT_SHA": revision, **GIT, "CYCLETRACE_CYCLE": "churn@42"}
        assert pipeline["variables"]["CYCLETRACE_CYCLE"] == "churn@$CI_PIPELINE_ID"
        for line in (*pipeline["default"]["before_script"], *job["script"]):
            bash(line, work, around)
    (facts,) = read_facts(work.parent / "state")
    assert (facts["key"], facts["marks"]["started"]) == ("churn@42", first_commit)
    at = [time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(began + seconds)) for seconds in (0, 60, 599)]
    saved = work / "saved"
    saved.mkdir()
    a_pipeline = {
        "id": 42,
        "iid": 1,
        "project_id": 3,
        "status": "success",
        "source": "push",
        "ref": "idea",
        "sha": "a" * 40,
        "web_url": "https://gitlab.example.com/octo/churn/-/pipelines/42",
        "created_at": at[0],
        "updated_at": at[2],
    }
    listed = [
        {
            "id": number,
            "name": name,
            "status": "success",
            "created_at": at[0],
            "started_at": at[1],
            "finished_at": at[2],
            "queued_duration": 60.0,
            "stage": name,
            "commit": {"created_at": at[0]},
            "pipeline": {"id": 42, "project_id": 3, "ref": "idea", "sha": "a" * 40, "status": "success"},
        }
        for number, name in enumerate(jobs, 501)
    ]
    (saved / "pipelines.json").write_text(json.dumps([a_pipeline]), encoding="utf-8")
    (saved / "jobs-42.json").write_text(json.dumps(listed), encoding="utf-8")
    facts = history(work, "gitlab", "saved")
    assert sorted(stages_of(facts), key=str) == [("test", "test"), ("test", None), ("train", "train"), ("train", None)]


@pytest.mark.parametrize(("number", "outcome"), [(signal.SIGTERM, "interrupted"), (signal.SIGKILL, None)])
def test_a_pod_of_kubernetes_that_is_evicted_leaves_its_stage(
    work: Path, number: signal.Signals, outcome: str | None
) -> None:
    pod = document("kubernetes.md")["spec"]["template"]
    (container,) = pod["spec"]["containers"]
    annotations = pod["metadata"]["annotations"]
    env = {one["name"]: one.get("value", "") for one in container["env"]}
    path = next(one for one in container["env"] if one["name"] == "CYCLETRACE_SUBMITTED_AT")["valueFrom"]["fieldRef"][
        "fieldPath"
    ]
    env |= {
        "CYCLETRACE_SUBMITTED_AT": annotations[re.fullmatch(r"metadata\.annotations\['(.+)'\]", path)[1]],  # type: ignore[index]  # no match fails, too
        "CYCLETRACE_JOB": env["CYCLETRACE_JOB"].replace("$(POD_UID)", "f3a1"),
        "KUBERNETES_SERVICE_HOST": "10.0.0.1",
    }
    del env["CYCLETRACE_ENDPOINT"], env["CYCLETRACE_DIR"], env["POD_UID"]
    (work / "train.py").write_text("import time\nprint('trains', flush=True)\ntime.sleep(60)\n", encoding="utf-8")
    command = [sys.executable, "-m", *container["command"][:-2], sys.executable, container["command"][-1]]
    process = subprocess.Popen(
        command, cwd=work, env=environment(work.parent / "state", **env), stdout=subprocess.PIPE, start_new_session=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"trains\n"
    process.send_signal(number)
    process.stdout.close()
    assert process.wait(30) == -number
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)  # the training outlives a launcher that was killed
    (facts,) = eventually(lambda: read_facts(work.parent / "state"))
    (stage,) = facts["stages"]
    assert (stage["name"], stage["launch"], stage["parent"]) == (
        "train",
        "scheduler",
        c.job_stage_id(facts["cycle_id"], "kubernetes", "f3a1", 1),
    )
    assert stage["outcome"] in {outcome, None if outcome else "lost"}


def test_the_stages_of_dvc_join_the_cycle_of_the_directory(work: Path) -> None:
    bash("cycletrace start churn --version 7", work, {})
    for stage in document("dvc.md")["stages"].values():
        bash(stage["cmd"], work, {})
    (facts,) = read_facts(work.parent / "state")
    assert (facts["key"], [name for name, _ in stages_of(facts)]) == ("churn@7", ["prepare", "train"])
