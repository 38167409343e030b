"""How a process came to run, who did it, by which clock, and whether a process is gone."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.journals import Journal, environment, read_facts, run_script

from cycletrace import conventions as c
from cycletrace._internal.journal.processes import identity, is_gone
from cycletrace._internal.sdk import launch, people, settings
from cycletrace._internal.sdk.ids import SteadyTime
from cycletrace._internal.testing.clock import Clock

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


WALL_CLOCK_SET = """
import logging, sys, time
logging.basicConfig(stream=sys.stderr, format="%(message)s")
from cycletrace import cycle, stage
from cycletrace._internal.sdk import runtime
from cycletrace._internal.sdk.ids import Source, SteadyTime

set_by = 0
def wall():
    return time.time_ns() + set_by

runtime.reset(Source(now=SteadyTime(wall), wall=wall))
with cycle("churn", "7") as c:
    with stage("prepare"):
        pass
    with stage("train"):
        time.sleep(0.2)
        set_by = int(sys.argv[1]) * 10**9
    with stage("evaluate"):
        pass
    c.mark("in_use")
"""


def test_if_the_wall_clock_is_set_back_the_cycle_follows_a_steady_one_and_it_is_logged(tmp_path: Path) -> None:
    done = run_script(WALL_CLOCK_SET, tmp_path / "state", "-3600")
    assert done.returncode == 0
    assert done.stderr == "The wall clock was set while the program ran. Its records follow a monotonic clock.\n"
    train, evaluate = (Journal(tmp_path / "state").span(name) for name in ("train", "evaluate"))
    assert 0.2e9 <= train["end"] - train["start"] < 60e9
    assert train["end"] <= evaluate["start"]
    for span in (train, evaluate):
        assert 3500e9 < span["end"] - span["attributes"][c.WALL_END] < 3700e9
    (facts,) = read_facts(tmp_path / "state")
    assert 0.2e9 <= facts["cycle_time_ns"] < 60e9


def test_if_the_wall_clock_is_set_forward_later_records_follow_it(tmp_path: Path) -> None:
    done = run_script(WALL_CLOCK_SET, tmp_path / "state", "3600")
    train, evaluate = (Journal(tmp_path / "state").span(name) for name in ("train", "evaluate"))
    assert 0.2e9 <= train["end"] - train["start"] < 60e9
    assert 3500e9 < train["attributes"][c.WALL_END] - train["end"] < 3700e9
    assert 3500e9 < evaluate["start"] - train["end"] < 3700e9
    assert done.stderr.count("The wall clock was set") == 1


def test_time_never_goes_back_and_approaches_the_wall_clock_slowly() -> None:
    wall, steady = Clock(1_000_000), Clock(0)
    now = SteadyTime(wall, steady)
    for clock in (wall, steady):
        clock.time += 500
    assert now() == 1_000_500
    wall.time -= 100
    seen = []
    for _ in range(100):
        wall.time += 4_000
        steady.time += 4_000
        seen.append(now() - wall.time)
    assert seen[0] == 98
    assert seen[48:] == [2, *[0] * 51]
    wall.time += 5_000
    assert now() == wall.time


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
