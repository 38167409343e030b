"""A whole Airflow, in a folder and on a port of its own: scheduler, API server, and the tasks that they run."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import requests
from tests.journals import environment

PATIENCE = 240
"""Seconds in which each thing that is waited for must happen."""


class Airflow(NamedTuple):
    """One that runs."""

    base: str
    token: str
    home: Path

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """Make a request of its REST API. Return the answer, ``None`` if there is none yet."""
        url = f"{self.base}/api/v2/{path}"
        headers = {"Authorization": f"Bearer {self.token}"}
        answer = requests.request(method, url, json=body, headers=headers, timeout=30)
        return answer.json() if answer.ok else None

    def run(self, dag: str, run: str, **conf: str) -> None:
        """Begin a run of a DAG, as soon as the DAG is known."""
        body = {"logical_date": None, "dag_run_id": run, "conf": conf}
        until(lambda: self.ask("POST", f"dags/{dag}/dagRuns", body))

    def await_run(self, dag: str, run: str) -> None:
        """Wait until a run has ended."""
        until(lambda: (self.ask("GET", f"dags/{dag}/dagRuns/{run}") or {}).get("state") in {"success", "failed"})

    @property
    def logs(self) -> str:
        """What it and its tasks logged."""
        return "\n".join(path.read_text(encoding="utf-8") for path in self.home.rglob("*.log"))


@contextmanager
def running(folder: Path, dags: str, **variables: str) -> Iterator[Airflow]:
    """Start Airflow with these DAGs, and end it afterwards."""
    home = folder / "home"
    (folder / "dags").mkdir(parents=True)
    (folder / "dags" / "dags.py").write_text(dags, encoding="utf-8")
    home.mkdir()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    base = f"http://127.0.0.1:{port}"
    env = environment(folder / "state")
    del env["CYCLETRACE_DIR"]
    env |= {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{env['PATH']}",
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__API__BASE_URL": base,
        "AIRFLOW__API__PORT": str(port),
        "AIRFLOW__API__WORKERS": "1",
        "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
        "AIRFLOW__CORE__DAGS_FOLDER": str(folder / "dags"),
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{base}/execution/",
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__PARALLELISM": "2",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "True",
        "AIRFLOW__WORKERS__EXECUTION_API_TIMEOUT": "60",  # its first answers are slow
        **variables,
    }
    with (home / "standalone.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "airflow", "standalone"],
            cwd=folder, env=env, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip
        try:
            until(lambda: _is_healthy(base))
            token = requests.get(f"{base}/auth/token", timeout=30).json()["access_token"]
            yield Airflow(base, token, home)
        finally:
            os.killpg(process.pid, signal.SIGKILL)  # its own end takes the time of all its servers
            process.wait()


def until(happened: Callable[[], Any]) -> Any:
    """Wait for something, and return it."""
    give_up = time.monotonic() + PATIENCE
    while not (found := happened()):
        assert time.monotonic() < give_up, "it does not happen"
        time.sleep(0.5)
    return found


def _is_healthy(base: str) -> bool:
    try:
        health = requests.get(f"{base}/api/v2/monitor/health", timeout=30).json()
    except requests.RequestException:
        return False
    return bool(health["scheduler"]["status"] == "healthy")
