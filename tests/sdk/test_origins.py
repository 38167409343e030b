"""How a process came to run, who did it, by which clock, and whether a process is gone."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.journals import Journal, environment, run_script

from cycletrace import conventions as c
from cycletrace._internal.journal.processes import identity, is_gone
from cycletrace._internal.sdk import launch, people, settings

SCRIPT = """
from cycletrace import stage
with stage("train"):
    pass
"""


def launch_of(directory: Path, **variables: str) -> object:
    assert run_script(SCRIPT, directory, **variables).returncode == 0
    return Journal(directory).span("train")["attributes"][c.STAGE_LAUNCH]


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({}, "other"),
        ({"CI": "true"}, "ci"),
        ({"CI": "false"}, "other"),
        ({"GITHUB_ACTIONS": "true", "KUBERNETES_SERVICE_HOST": "10.0.0.1"}, "ci"),
        ({"SLURM_JOB_ID": "17"}, "scheduler"),
        ({"KUBERNETES_SERVICE_HOST": "10.0.0.1"}, "scheduler"),
        ({"AIRFLOW_CTX_DAG_ID": "retrain"}, "scheduler"),
        ({"SLURM_JOB_ID": "17", "CYCLETRACE_LAUNCH": "notebook"}, "notebook"),
    ],
)
def test_the_launch_is_found_out_and_can_be_set(tmp_path: Path, variables: dict[str, str], expected: str) -> None:
    assert launch_of(tmp_path / "state", **variables) == expected


@pytest.mark.parametrize("variable", [*launch.CI_VARIABLES, *launch.SCHEDULER_VARIABLES])
def test_each_variable_is_known(variable: str) -> None:
    expected = "ci" if variable in launch.CI_VARIABLES else "scheduler"
    # pytest's own streams are no terminal, unless it runs with -s.
    assert launch.find({variable: "1"}) in {expected, "terminal"}


@pytest.mark.parametrize(
    ("variable", "expected"),
    [
        ("NOTHING", "notebook"),
        ("CI", "ci"),
        ("AIRFLOW_CTX_DAG_ID", "scheduler"),
        ("KUBERNETES_SERVICE_HOST", "notebook"),  # JupyterHub
        ("SLURM_JOB_ID", "notebook"),
    ],
)
def test_a_notebook_that_is_executed_is_not_launched_by_a_person(
    monkeypatch: pytest.MonkeyPatch, variable: str, expected: str
) -> None:
    """As papermill does, which runs a kernel."""
    monkeypatch.setitem(sys.modules, "ipykernel", sys)
    assert launch.find({variable: "1"}) == expected


def test_on_a_terminal_a_person_launched_it(tmp_path: Path) -> None:
    import pty

    master, slave = pty.openpty()
    env = environment(tmp_path / "state", SLURM_JOB_ID="17")
    done = subprocess.run([sys.executable, "-c", SCRIPT], env=env, stdin=slave, stdout=slave, check=False, timeout=60)
    os.close(master)
    os.close(slave)
    assert done.returncode == 0
    assert Journal(tmp_path / "state").span("train")["attributes"][c.STAGE_LAUNCH] == "terminal"


def test_people_are_pseudonyms_names_or_nobody() -> None:
    default = settings.read({})

    def actor(mode: str = "pseudonyms", key: str = "", namespace: str = "") -> tuple[str, str | None]:
        return people.actor("person:ann", default._replace(namespace=namespace, people=mode, people_key=key))

    assert actor("names") == ("human", "ann")
    assert actor("none") == ("human", None)
    assert people.actor(None, default._replace(people="names")) == ("automation", None)
    ids = [actor(), actor(namespace="team"), actor(key="secret"), actor(key="secret", namespace="team")]
    assert ids[2] == ids[3], "the key counts, the namespace stands in where there is none"
    assert len(set(ids)) == 3
    assert all(person is not None and len(person) == 16 and "ann" not in person for _, person in ids)


WALL_CLOCK_SET_BACK = """
import logging, sys, time
logging.basicConfig(stream=sys.stderr, format="%(message)s")
from cycletrace import stage
from cycletrace._internal.sdk import runtime
from cycletrace._internal.sdk.ids import Source

off = 0
runtime.reset(Source(now=lambda: time.time_ns() - off))
with stage("train"):
    time.sleep(0.2)
    off = 3600 * 10**9
with stage("evaluate"):
    pass
"""


def test_if_the_wall_clock_is_set_back_both_ends_are_kept_and_it_is_logged(tmp_path: Path) -> None:
    done = run_script(WALL_CLOCK_SET_BACK, tmp_path / "state")
    assert done.returncode == 0
    assert done.stderr == "The wall clock was set while a stage ran. Its duration comes from a monotonic clock.\n"
    train = Journal(tmp_path / "state").span("train")
    assert 0.2e9 <= train["end"] - train["start"] < 60e9
    assert 3500e9 < train["end"] - train["attributes"][c.WALL_END] < 3700e9
    assert c.WALL_END not in Journal(tmp_path / "state").span("evaluate")["attributes"]


def test_a_process_has_ended_if_its_pid_is_free_or_reused() -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    running = identity(child.pid)
    assert not is_gone(running)
    assert is_gone({**running, "started": "1"}), "the pid was used again"
    assert is_gone({**running, "boot": "another"}), "the machine restarted"
    assert not is_gone({**running, "host": "another", "pid": 1}), "of other hosts nothing is known"
    assert not is_gone({**running, "pid_namespace": "pid:[1]", "started": "1"}), "nor of other containers"
    assert not is_gone({**identity(), "pid": -1}), "damage proves nothing"
    child.kill()
    while not is_gone(running):  # a zombie, until it is waited for
        time.sleep(0.01)
    child.wait()
    assert is_gone(running)


def test_processes_differ_by_an_attribute_of_their_stages_and_share_their_resource(tmp_path: Path) -> None:
    """Metrics made from spans by the resource would count three runs of a program as three programs."""
    for _ in range(2):
        assert run_script(SCRIPT, tmp_path / "state").returncode == 0
    journal = Journal(tmp_path / "state")
    headers = [document for document in journal.documents() if "journal" in document]
    assert headers[0]["resource"] == headers[1]["resource"]
    pids = [span["attributes"][c.PROCESS_ID] for span in journal.spans("train")]
    assert pids == [header["process"]["pid"] for header in headers]
