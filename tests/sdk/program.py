"""A program that starts work in one way and ends it in another: ``program.py START ENDING``, with us or without."""

from __future__ import annotations

import concurrent.futures
import contextlib
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

stage: Any = contextlib.nullcontext
if os.environ.get("WITH_CYCLETRACE") == "1":
    from cycletrace import stage


MARKER = Path(os.environ.get("MARKER", "marker"))
"""Written, with its pid, by a worker that waits to be terminated."""


def work(ending: str) -> str:
    """Run one stage that finishes, and one that ends in the requested way."""
    with stage("finished"):
        pass
    with stage("running"):
        print("running", flush=True)
        end(ending)
    return "returned"


def end(ending: str) -> None:
    if ending == "exception":
        raise ValueError("as asked")
    if ending == "sys.exit":
        sys.exit(3)
    if ending == "os._exit":
        os._exit(4)
    if ending == "Ctrl-C":
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(60)
    if ending == "SIGTERM":
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(60)
    if ending == "SIGKILL":
        os.kill(os.getpid(), signal.SIGKILL)
        time.sleep(60)
    if ending == "terminate":
        fresh = MARKER.with_suffix(".new")
        fresh.write_text(str(os.getpid()))
        fresh.rename(MARKER)
        time.sleep(60)


def wait_for_marker() -> None:
    while not MARKER.exists():
        time.sleep(0.01)


def plain(ending: str) -> None:
    print(work(ending))


def process(method: str, ending: str) -> None:
    context: Any = multiprocessing.get_context(method)
    child = context.Process(target=work, args=(ending,))
    child.start()
    if ending == "terminate":
        wait_for_marker()
        child.terminate()
    child.join()
    print("exit code", child.exitcode)


def pool(ending: str) -> None:
    with multiprocessing.get_context("fork").Pool(1) as workers:
        (worker,) = workers._pool  # type: ignore[attr-defined]
        result = workers.apply_async(work, (ending,))
        if ending == "terminate":
            wait_for_marker()
            return
        while not result.ready() and worker.exitcode is None:
            time.sleep(0.01)
        if result.ready():
            show(result.get)
        else:
            print("worker's exit code", worker.exitcode)


def executor(ending: str) -> None:
    with concurrent.futures.ProcessPoolExecutor(1, multiprocessing.get_context("fork")) as workers:
        future = workers.submit(work, ending)
        if ending == "terminate":
            wait_for_marker()
            for worker in list(workers._processes.values()):
                worker.terminate()
        show(future.result)


def loky(ending: str) -> None:
    import joblib

    if ending == "terminate":
        threading.Thread(target=terminate_marked, daemon=True).start()
    # The main module of a loky worker is another one: by name this function is found in both.
    from tests.sdk.program import work as named

    parallel: Any = joblib.Parallel(n_jobs=2)
    show(lambda: parallel([joblib.delayed(named)(ending)])[0])


def terminate_marked() -> None:
    wait_for_marker()
    os.kill(int(MARKER.read_text()), signal.SIGTERM)


def show(result: Any) -> None:
    try:
        print(result())
    except BaseException as error:
        print("raised", type(error).__name__)


def subprocesses(ending: str) -> None:
    with subprocess.Popen([sys.executable, __file__, "plain", ending]) as child:
        if ending == "terminate":
            wait_for_marker()
            child.terminate()
        print("exit code", child.wait(), flush=True)


STARTS = {
    "plain": plain,
    "fork": lambda ending: process("fork", ending),
    "spawn": lambda ending: process("spawn", ending),
    "forkserver": lambda ending: process("forkserver", ending),
    "Pool": pool,
    "ProcessPoolExecutor": executor,
    "loky": loky,
    "subprocess": subprocesses,
}

if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)  # who is started in the background is born ignoring it
    with stage("outer"):
        STARTS[sys.argv[1]](sys.argv[2])
