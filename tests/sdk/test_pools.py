"""Pools whose workers start before their parent has any cycle: one run of a program has one implicit cycle."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from tests.journals import Journal, environment, read_facts, run_script

POOL = """
import multiprocessing, sys
from concurrent.futures import ProcessPoolExecutor

import cycletrace as ct

@ct.stage("work")
def work(x):
    return x

def inside(method):
    with multiprocessing.get_context(method).Pool(1) as pool:
        return pool.map(work, [0])

def main(kind, method, *more):
    if kind == "loky":
        import joblib
        joblib.Parallel(n_jobs=2)(joblib.delayed(work)(x) for x in range(4))
    elif kind == "Pool":
        with multiprocessing.get_context(method).Pool(2) as pool:
            pool.map(work, range(4), chunksize=1)
            pool.close()
            pool.join()
    else:
        with ProcessPoolExecutor(2, multiprocessing.get_context(method)) as pool:
            list(pool.map(work, range(4)) if kind == "executor" else pool.map(inside, ["spawn", "fork"] * 2))
    if more:
        with ct.stage("after"):
            pass

if __name__ == "__main__":
    if "before" in sys.argv:
        with ct.cycle("churn", "7"), ct.stage("named"):
            pass
    main(*sys.argv[1:])
"""


def run_pool(tmp_path: Path, *arguments: str) -> None:
    script = tmp_path / "script.py"
    script.write_text(POOL)
    done = subprocess.run(
        [sys.executable, str(script), *arguments],
        env=environment(tmp_path / "state"),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


def implicit_cycles(tmp_path: Path) -> list[list[str]]:
    facts = read_facts(tmp_path / "state")
    return [sorted(stage["name"] for stage in each["stages"]) for each in facts if each["implicit"]]


@pytest.mark.parametrize("more", [(), ("after",), ("after", "before")], ids=["alone", "after", "before"])
@pytest.mark.parametrize(
    "pool",
    [
        *[("Pool", method) for method in ("fork", "spawn", "forkserver")],
        *[("executor", method) for method in ("fork", "spawn", "forkserver")],
        ("loky", ""),
    ],
    ids="-".join,
)
def test_a_pool_without_a_stage_around_it_shares_one_implicit_cycle(
    tmp_path: Path, pool: tuple[str, str], more: tuple[str, ...]
) -> None:
    run_pool(tmp_path, *pool, *more)
    after = ["after"] if more else []
    assert implicit_cycles(tmp_path) == [[*after, *["work"] * 4]]
    assert len(Journal(tmp_path / "state").roots()) == len(after), "only the program itself writes the root"


def test_pools_inside_workers_share_it_too(tmp_path: Path) -> None:
    run_pool(tmp_path, "nested", "forkserver", "after")
    assert implicit_cycles(tmp_path) == [["after", *["work"] * 4]]


def test_two_runs_of_the_program_never_share_a_cycle(tmp_path: Path) -> None:
    run_pool(tmp_path, "Pool", "fork")
    run_pool(tmp_path, "Pool", "fork")
    assert implicit_cycles(tmp_path) == [["work"] * 4] * 2


JOBS = """
import multiprocessing, os
import cycletrace as ct

def serve():
    for _ in range(2):
        pid = os.fork()
        if pid == 0:
            with ct.stage("job"):
                pass
            os._exit(0)
        os.waitpid(pid, 0)

serve()
worker = multiprocessing.get_context("fork").Process(target=serve)
worker.start()
worker.join()
"""


def test_jobs_that_a_server_forks_are_runs_of_their_own(tmp_path: Path) -> None:
    done = run_script(JOBS, tmp_path / "state")
    assert (done.returncode, done.stderr) == (0, "")
    assert implicit_cycles(tmp_path) == [["job"]] * 4
