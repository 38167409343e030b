"""Ranks of torch and MPI, and tasks of SLURM: one cycle for all, recorded by the first rank, or by every task."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

import pytest
from tests.journals import Journal, Node, environment, read_facts, run_script

from cycletrace._internal.journal.orphans import close_orphans
from cycletrace._internal.sdk.world import World, find

# What torchrun 2, Open MPI 4.1, MPICH 4.0 and srun set.
TORCH = {
    "RANK": "1",
    "WORLD_SIZE": "4",
    "LOCAL_RANK": "1",
    "LOCAL_WORLD_SIZE": "4",
    "GROUP_RANK": "0",
    "MASTER_ADDR": "localhost",
    "MASTER_PORT": "29500",
    "TORCHELASTIC_RESTART_COUNT": "0",
    "TORCHELASTIC_RUN_ID": "b90cc27d-23d3-4bd8-8760-e1e03a7771ce",
}
OPEN_MPI = {
    "OMPI_COMM_WORLD_RANK": "1",
    "OMPI_COMM_WORLD_SIZE": "4",
    "OMPI_COMM_WORLD_LOCAL_SIZE": "4",
    "OMPI_MCA_orte_precondition_transports": "941f0cebbed865c7-9927f9b1e2fc45e3",
    "PMIX_NAMESPACE": "328400897",
    "PMIX_RANK": "1",
}
HYDRA = {"PMI_RANK": "1", "PMI_SIZE": "4", "PMI_FD": "8", "MPI_LOCALNRANKS": "4", "MPI_LOCALRANKID": "1"}
SRUN = {
    "SLURM_JOB_ID": "4711",
    "SLURM_STEP_ID": "0",
    "SLURM_STEP_NUM_TASKS": "4",
    "SLURM_NTASKS": "4",
    "SLURM_PROCID": "1",
    "PMI_RANK": "1",
    "PMI_SIZE": "4",
}
BATCH = {"SLURM_JOB_ID": "4711", "SLURM_NTASKS": "4", "SLURM_PROCID": "0"}
ARRAY = {**BATCH, "SLURM_ARRAY_JOB_ID": "4700", "SLURM_ARRAY_TASK_ID": "3"}


def world(env: Mapping[str, str], modules: Iterable[str] = (), launcher: str | None = "host 77") -> World | None:
    return find(env, tuple(modules), lambda _: launcher)


@pytest.mark.parametrize("env", [TORCH, OPEN_MPI, HYDRA], ids=["torch", "open-mpi", "hydra"])
@pytest.mark.parametrize("around", [{}, BATCH, SRUN], ids=["alone", "in-a-job", "in-a-step"])
def test_ranks_of_a_launcher_agree_and_are_told_apart(env: dict[str, str], around: dict[str, str]) -> None:
    rank = next(name for name in env if name.endswith("RANK"))
    worlds = [world({**around, **env, rank: str(number)}) for number in range(4)]
    assert [found.rank for found in worlds if found] == [0, 1, 2, 3]
    ids = {found.id for found in worlds if found}
    assert len(ids) == 1
    assert None not in ids


def test_the_default_id_of_torchrun_is_no_id() -> None:
    default = {**TORCH, "TORCHELASTIC_RUN_ID": "none"}
    assert world(default, launcher="host 77") != world(default, launcher="host 78")
    assert world(default, launcher=None) == World(None, 1)


def test_across_hosts_the_step_of_slurm_stands_in_for_an_id() -> None:
    spread = {**SRUN, **TORCH, "TORCHELASTIC_RUN_ID": "none", "LOCAL_WORLD_SIZE": "2"}
    first, second = world(spread, launcher="one 77"), world(spread, launcher="two 99")
    assert first == second
    assert first != world({**spread, "SLURM_STEP_ID": "1"})


def test_a_rank_set_by_hand_has_no_launcher() -> None:
    by_hand = {"RANK": "1", "WORLD_SIZE": "4", "MASTER_ADDR": "localhost"}
    assert world(by_hand) == World(None, 1)
    found = world({**SRUN, **by_hand})
    assert found is not None
    assert found.id is not None, "that of the step"


@pytest.mark.parametrize(
    "env",
    [
        {},
        {**TORCH, "WORLD_SIZE": "1"},
        {**TORCH, "WORLD_SIZE": ""},
        {**TORCH, "RANK": "x"},
        {"RANK": "1", "WORLD_SIZE": "4"},
        BATCH,
    ],
    ids=["empty", "one-rank", "no-size", "no-number", "not-of-torch", "batch-script"],
)
def test_a_process_on_its_own_has_no_world(env: dict[str, str]) -> None:
    assert world(env) is None


def test_tasks_of_one_step_have_it_in_common_and_do_work_of_their_own() -> None:
    first, second = world({**SRUN, "SLURM_PROCID": "0"}), world(SRUN)
    assert first == second
    assert first is not None
    assert first.rank is None
    assert world({**SRUN, "SLURM_STEP_ID": "1"}) != first
    assert world({**SRUN, "SLURM_JOB_ID": "4712"}) != first


def test_a_shell_or_notebook_in_a_job_does_not_make_one_cycle_of_all_that_runs_in_it() -> None:
    assert world({**SRUN, "SLURM_STEP_NUM_TASKS": "1", "SLURM_NTASKS": "1"}) is None
    assert world(SRUN, modules=["ipykernel"]) is None
    assert world(ARRAY, modules=["ipykernel"]) is None


def test_tasks_of_a_job_array_have_it_in_common() -> None:
    assert world(ARRAY) == world({**ARRAY, "SLURM_JOB_ID": "4712", "SLURM_ARRAY_TASK_ID": "4"})
    assert world(ARRAY) != world({**ARRAY, "SLURM_ARRAY_JOB_ID": "4701"})
    step = {**ARRAY, "SLURM_STEP_ID": "0", "SLURM_STEP_NUM_TASKS": "1", "SLURM_PROCID": "0"}
    assert world(step) == world({**step, "SLURM_JOB_ID": "4712"}) != world(ARRAY)


@pytest.mark.parametrize("module", ["mpi4py", "lightning", "pytorch_lightning"])
def test_a_program_that_joins_the_tasks_of_srun_is_a_world_of_ranks(module: str) -> None:
    found = world(SRUN, modules=[module])
    assert found is not None
    assert found.rank == 1


RANK = """
import os, sys
import cycletrace as ct

with ct.stage("prepare"), ct.waiting("data"):
    pass
for _ in range(2):
    with ct.cycle("llm"), ct.stage("train"), ct.stage("epoch"):
        pass
with ct.cycle("llm", "7") as cycle:
    cycle.mark("selected")
    try:
        with ct.stage("evaluate"):
            if os.environ.get(sys.argv[1], "0") == "2":
                raise ValueError
    except ValueError:
        pass
"""


def run_world(tmp_path: Path, rank: str, env: dict[str, str], script: str = RANK) -> None:
    """Run four ranks at a time, as a launcher does."""
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", script, rank],
            env=environment(tmp_path / "state", **{**env, rank: str(number)}),
            cwd=tmp_path,
        )
        for number in range(4)
    ]
    assert [process.wait(60) for process in processes] == [0, 0, 0, 0]


def runs(tmp_path: Path) -> dict[str, list[tuple[str, str]]]:
    """The runs of stages, from the facts: by key of the cycle, with its random part replaced by its number."""
    names: dict[str, str] = {}
    found: dict[str, list[tuple[str, str]]] = {}
    for facts in sorted(read_facts(tmp_path / "state"), key=lambda facts: str(facts["marks"]["started"])):
        model, _, text = str(facts["key"]).partition("@")
        _, is_run, digest = text.partition("run-")
        digest, _, number = digest.partition("-")
        key = f"{model}@{text}" if not is_run else f"{model}@{names.setdefault(digest, str(len(names)))}.{number}"
        found[key] = sorted((stage["name"], stage["outcome"]) for stage in facts["stages"])
    return found


@pytest.mark.parametrize(
    ("rank", "env"),
    [
        ("RANK", TORCH),
        ("RANK", {**TORCH, "TORCHELASTIC_RUN_ID": "none"}),
        ("OMPI_COMM_WORLD_RANK", OPEN_MPI),
        ("PMI_RANK", HYDRA),
    ],
    ids=["torch", "torch-default", "open-mpi", "hydra"],
)
def test_four_ranks_make_one_cycle_and_record_once_and_their_errors(
    tmp_path: Path, rank: str, env: dict[str, str]
) -> None:
    run_world(tmp_path, rank, env)
    assert runs(tmp_path) == {
        "python@0.": [("prepare", "ok")],
        "llm@0.1": [("epoch", "ok"), ("train", "ok")],
        "llm@0.2": [("epoch", "ok"), ("train", "ok")],
        "llm@7": [("evaluate", "error"), ("evaluate", "ok")],
    }
    journal = Journal(tmp_path / "state")
    assert len(journal.spans("wait data")) == 1
    assert len(journal.roots()) == 1, "of the implicit cycle"


def test_a_restarted_world_is_a_further_attempt(tmp_path: Path) -> None:
    run_world(tmp_path, "RANK", TORCH)
    run_world(tmp_path, "RANK", {**TORCH, "TORCHELASTIC_RESTART_COUNT": "1", "MASTER_PORT": "29511"})
    (facts,) = [facts for facts in read_facts(tmp_path / "state") if str(facts["key"]).endswith("-1")]
    attempts = [stage["attempt"] for stage in facts["stages"] if stage["name"] == "train"]
    assert sorted(attempts) == [1, 2]


LAUNCH = """
import os, subprocess, sys
commands = [[sys.executable, "-c", sys.argv[1], "RANK"]] * 2
ranks = [subprocess.Popen(command, env={**os.environ, "RANK": str(rank)}) for rank, command in enumerate(commands)]
assert [rank.wait() for rank in ranks] == [0, 0]
"""


def test_two_launches_with_the_default_id_on_one_endpoint_are_two_cycles(tmp_path: Path) -> None:
    # The launcher itself was started without the variable that it sets.
    launcher = LAUNCH.replace("**os.environ", '**os.environ, "TORCHELASTIC_RUN_ID": "none"')
    default = {name: value for name, value in TORCH.items() if name not in {"RANK", "TORCHELASTIC_RUN_ID"}}
    default |= {"WORLD_SIZE": "2", "LOCAL_WORLD_SIZE": "2"}
    for _ in range(2):
        assert run_script(launcher, tmp_path / "state", RANK, **default).returncode == 0
    assert [key for key in runs(tmp_path) if key.endswith(".1")] == ["llm@0.1", "llm@1.1"]


def test_tasks_of_srun_record_all_their_stages_in_one_cycle(tmp_path: Path) -> None:
    run_world(tmp_path, "SLURM_PROCID", SRUN)
    assert runs(tmp_path) == {
        "python@0.": [("prepare", "ok")] * 4,
        "llm@0.1": [("epoch", "ok")] * 4 + [("train", "ok")] * 4,
        "llm@0.2": [("epoch", "ok")] * 4 + [("train", "ok")] * 4,
        "llm@7": [("evaluate", "error")] + [("evaluate", "ok")] * 3,
    }
    assert Journal(tmp_path / "state").roots() == [], "no task knows all of the cycle"


KILLED = """
import os, signal
import cycletrace as ct

with ct.stage("train"):
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize(("rank", "trees"), [("0", [Node("train", "lost")]), ("1", [])])
def test_a_killed_rank_is_lost_if_it_recorded_its_start(tmp_path: Path, rank: str, trees: list[Node]) -> None:
    run_script(KILLED, tmp_path / "state", **{**TORCH, "RANK": rank})
    close_orphans(tmp_path / "state")
    assert Journal(tmp_path / "state").trees() == trees


CONTEXT = """
import os
import cycletrace as ct
from opentelemetry import trace

with ct.cycle("churn", "7"), ct.stage("train") as run:
    run.set(epochs=3)
    assert f"{trace.get_current_span().get_span_context().span_id:016x}" == run.id
    assert run.id in ct.environ()["TRACEPARENT"] and run.id in os.environ["TRACEPARENT"]
"""


def test_a_rank_that_records_nothing_works_like_any_other(tmp_path: Path) -> None:
    done = run_script(CONTEXT, tmp_path / "state", **TORCH)
    assert (done.returncode, done.stderr) == (0, "")
    assert not list((tmp_path / "state").glob("journal/*.jsonl"))


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="needs /proc")
def test_the_launcher_is_found_through_wrappers_and_workers(tmp_path: Path) -> None:
    script = "from cycletrace._internal.sdk.world import find; print(find())"
    default = {**TORCH, "TORCHELASTIC_RUN_ID": "none"}
    direct = run_script(script, tmp_path / "state", **default)
    wrapped = run_script(
        "import subprocess, sys; subprocess.run([sys.executable, '-c', sys.argv[1]], check=True)",
        tmp_path / "state",
        script,
        **default,
    )
    assert direct.stdout == wrapped.stdout
    assert f" {os.getpid()} " in direct.stdout
