"""Forks: stages, files and locks that parent and child may or may not share."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from tests.journals import Journal, Node, environment, run_script

from cycletrace._internal.journal.orphans import close_orphans
from cycletrace.testing import FakeCollector

THREADED = {"PYTHONWARNINGS": "default,ignore::DeprecationWarning"}
"""For programs with threads of their own, which Python warns of at a fork."""

FORK_IN_BLOCKS = """
import os, sys
import cycletrace as ct

def fork_inside():
    with ct.cycle("churn", "7"), ct.stage("parent") as run, ct.waiting("data"):
        pid = os.fork()
        if pid == 0:
            with ct.stage("child"):
                pass
            raise SystemExit(5)  # leaves every block that the parent entered
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 5
        run.set(after=1)

fork_inside()
"""


def test_a_forked_child_ends_neither_stages_nor_waits_of_its_parent(tmp_path: Path) -> None:
    done = run_script(FORK_IN_BLOCKS, tmp_path / "state")
    assert (done.returncode, done.stderr) == (0, "")
    journal = Journal(tmp_path / "state")
    assert journal.trees() == [Node("parent", "ok", (Node("child", "ok"),))]
    assert journal.span("parent")["attributes"]["after"] == 1
    assert len(journal.spans("wait data")) == 1
    assert len(list((tmp_path / "state" / "journal").glob("*.jsonl"))) == 2, "a file of its own for each process"


FORK_WHILE_WRITING = """
import os, threading
import cycletrace as ct

over = threading.Event()
stage = ct.stage

def write():
    while not over.is_set():
        with ct.stage("thread"):
            pass

threads = [threading.Thread(target=write, daemon=True) for _ in range(3)]
for thread in threads:
    thread.start()
for _ in range(int(os.environ["FORKS"])):
    pid = os.fork()
    if pid == 0:
        with ct.stage("child"):
            pass
        os._exit(0)
    assert os.waitpid(pid, 0)[1] == 0
over.set()
for thread in threads:
    thread.join()
"""


@pytest.mark.parametrize("forks", [20, pytest.param(100, marks=pytest.mark.slow)])
@pytest.mark.parametrize("is_delivering", [False, True])
def test_a_fork_while_other_threads_write_and_deliver_never_hangs(
    tmp_path: Path, is_delivering: bool, forks: int
) -> None:
    with FakeCollector() as server:
        variables = {"OTEL_EXPORTER_OTLP_ENDPOINT": server.endpoint} if is_delivering else {}
        variables["FORKS"] = str(forks)
        done = run_script(FORK_WHILE_WRITING, tmp_path / "state", **variables, **THREADED)
    assert (done.returncode, done.stderr) == (0, "")
    journal = Journal(tmp_path / "state")
    assert len(journal.spans("child")) == forks
    starts = {event["span_id"] for event in journal.events()}
    close_orphans(tmp_path / "state")
    assert starts == {span["span_id"] for span in journal.spans()}


FORK_AT_ONCE = """
import os, sys
import cycletrace as ct

with ct.stage("parent"):
    for _ in range(20):  # in the midst of what the keeper loads at its first delivery
        pid = os.fork()
        if pid == 0:
            import requests, google.protobuf, opentelemetry.exporter.otlp.proto.common.trace_encoder
            with ct.stage("child"):
                pass
            os._exit(0)
        assert os.waitpid(pid, 0)[1] == 0
"""


def test_a_fork_in_the_midst_of_our_imports_does_not_keep_the_child_from_importing(tmp_path: Path) -> None:
    with FakeCollector() as server:
        done = run_script(FORK_AT_ONCE, tmp_path / "state", OTEL_EXPORTER_OTLP_ENDPOINT=server.endpoint)
    assert (done.returncode, done.stderr) == (0, "")
    assert Journal(tmp_path / "state").trees() == [Node("parent", "ok", (Node("child", "ok"),) * 20)]


FORK_IN_FIRST_STAGE = """
import os, random, sys, threading, time
from cycletrace import stage

class Slow:
    def find_spec(self, name, path=None, target=None):
        time.sleep(0.003)  # every import takes a while

def first():
    with stage("first"):
        pass

sys.meta_path.insert(0, Slow())
thread = threading.Thread(target=first)
thread.start()
while thread.is_alive():
    pid = os.fork()
    if pid == 0:
        with stage("child"):
            pass
        os._exit(0)
    assert os.waitpid(pid, 0)[1] == 0
"""


def test_a_fork_while_another_thread_is_in_its_first_stage_leaves_a_child_that_can_work(tmp_path: Path) -> None:
    done = run_script(FORK_IN_FIRST_STAGE, tmp_path / "state", **THREADED)
    assert (done.returncode, done.stderr) == (0, "")
    assert Journal(tmp_path / "state").outcomes()[-1] == ("first", "ok")


FORK_WAITS_IN_VAIN = """
import os, threading
from cycletrace import stage
from cycletrace._internal import loading

loading.LONGEST_WAIT = 0.1
held, over = threading.Event(), threading.Event()

def hold():
    with loading.lock:
        held.set()
        over.wait()

threading.Thread(target=hold).start()
held.wait()
pid = os.fork()
if pid == 0:
    with stage("child"):
        pass
    os._exit(0)
assert os.waitpid(pid, 0)[1] == 0
over.set()
with stage("parent"):
    pass
"""


def test_a_fork_that_waited_in_vain_for_an_import_goes_on(tmp_path: Path) -> None:
    done = run_script(FORK_WAITS_IN_VAIN, tmp_path / "state", **THREADED)
    assert (done.returncode, done.stderr) == (0, "")
    assert Journal(tmp_path / "state").names() == ["child", "parent"]


CHILD_DELIVERS = """
import os, time
import cycletrace as ct

with ct.stage("first"):
    pass
pid = os.fork()
if pid:
    print(pid, flush=True)
    os._exit(0)  # a daemon's parent: gone, and with it whoever delivered
with ct.stage("second"):
    pass
print("delivered", ct.flush(20), flush=True)
"""


CHILD_WAITS = CHILD_DELIVERS.replace(
    "    os._exit(0)",
    """
    from cycletrace._internal.sdk.runtime import runtime
    runtime().ensure_worker().hold()
    time.sleep(1)
    os._exit(0)""",
)
"""The parent delivers nothing any more, and ends while its child waits for it."""


@pytest.mark.parametrize("script", [CHILD_DELIVERS, CHILD_WAITS], ids=["before", "meanwhile"])
def test_a_child_whose_parent_is_gone_delivers_itself(tmp_path: Path, script: str) -> None:
    with FakeCollector() as server:
        done = run_script(script, tmp_path / "state", OTEL_EXPORTER_OTLP_ENDPOINT=server.endpoint)
        assert server.wait_for(2)
    assert done.stdout.splitlines()[-1] == "delivered True"
    assert server.names() == ["first", "second"]


FLUSH_IN_CHILD = """
import os
import cycletrace as ct

with ct.stage("parent"):
    pid = os.fork()
    if pid == 0:
        with ct.stage("child"):
            pass
        os._exit(0 if ct.flush(20) else 1)
    print(os.waitpid(pid, 0)[1])
"""


def test_a_flush_in_a_child_waits_for_its_parent_to_deliver(tmp_path: Path) -> None:
    with FakeCollector() as server:
        done = run_script(FLUSH_IN_CHILD, tmp_path / "state", OTEL_EXPORTER_OTLP_ENDPOINT=server.endpoint)
    assert (done.returncode, done.stdout, done.stderr) == (0, "0\n", "")
    assert server.names() == ["child", "parent"]


FORK_WARNS_OF_THREADS = """
import os, sys, time
import cycletrace as ct

with ct.stage("parent"):
    for number in range(20):
        pid = os.fork()
        if pid == 0:
            os._exit(0)
        assert os.waitpid(pid, 0)[1] == 0
        time.sleep(0.001 * number)
    deadline = time.monotonic() + 60
    while len(os.listdir("/proc/self/task")) == 1 and time.monotonic() < deadline:
        pass
    print(len(os.listdir("/proc/self/task")))
"""


def test_a_program_of_one_thread_may_fork_inside_a_stage_without_a_warning(tmp_path: Path) -> None:
    done = run_script(FORK_WARNS_OF_THREADS, tmp_path / "state", PYTHONWARNINGS="always")
    assert (done.returncode, done.stdout, done.stderr) == (0, "2\n", ""), "the background worker runs again"


JOBLIB = """
import joblib
import cycletrace as ct

def run():
    factor = 3

    @ct.stage("scale")
    def scale(x):
        return factor * x

    with ct.cycle("churn", "7"), ct.stage("outer"):
        print(joblib.Parallel(n_jobs=2)(joblib.delayed(scale)(x) for x in range(4)))

if __name__ == "__main__":
    run()
"""


def test_decorated_closures_in_loky_workers_are_children_of_the_callers_stage(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(JOBLIB)
    import subprocess

    done = subprocess.run(
        [sys.executable, str(script)],
        env=environment(tmp_path / "state"),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "[0, 3, 6, 9]\n", "")
    assert Journal(tmp_path / "state").trees() == [Node("outer", "ok", (Node("scale", "ok"),) * 4)]


IDS = """
import multiprocessing, random
import cycletrace as ct

def work(_):
    random.seed(42)
    with ct.stage("work") as run:
        return run.id

if __name__ == "__main__":
    with ct.stage("outer"), multiprocessing.get_context("fork").Pool(4) as pool:
        ids = pool.map(work, range(40), chunksize=1)
    print(len(set(ids)))
"""


def test_ids_of_forked_workers_under_one_seed_differ(tmp_path: Path) -> None:
    assert run_script(IDS, tmp_path / "state").stdout == "40\n"
