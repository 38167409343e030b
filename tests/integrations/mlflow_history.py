"""Made-up runs in an MLflow store, in minutes of a morning."""

from __future__ import annotations

import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.request import urlopen

from tests.importers.told import EIGHT

PARENT = "mlflow.parentRunId"


def at(minutes: float) -> int:
    """Milliseconds since the epoch, this long after 8:00."""
    return EIGHT // 10**6 + round(minutes * 60_000)


class Store:
    """A store of runs and versions in a folder."""

    def __init__(self, folder: Path, name: str = "mlflow.db") -> None:
        from mlflow import MlflowClient

        self.file = folder / name
        self.uri = f"sqlite:///{self.file}"
        self.client = MlflowClient(self.uri)

    def experiment(self, name: str) -> str:
        number: str = self.client.create_experiment(name)
        return number

    def run(
        self,
        experiment: str,
        name: str,
        start: float,
        end: float | None,
        status: str = "FINISHED",
        tags: dict[str, str] | None = None,
    ) -> str:
        """Add a run, which is still open without an end. Without a name, MLflow makes one up."""
        run: Any = self.client.create_run(experiment, at(start), tags, name or None)
        number: str = run.info.run_id
        if end is not None:
            self.end(number, end, status)
        return number

    def end(self, run_id: str, end: float, status: str = "FINISHED") -> None:
        self.client.set_terminated(run_id, status, at(end))

    def version(self, model: str, run_id: str, created: float) -> None:
        """Register a version. MLflow's clock cannot be set, so its time is written afterwards."""
        if not self.client.search_registered_models(f"name = '{model}'"):
            self.client.create_registered_model(model)
        made = self.client.create_model_version(model, f"runs:/{run_id}/model", run_id)
        with sqlite3.connect(self.file) as database:
            database.execute(
                "UPDATE model_versions SET creation_time = ? WHERE name = ? AND version = ?",
                (at(created), model, int(made.version)),
            )


@contextmanager
def tracking_server(store: Store) -> Generator[str, None, None]:
    """Serve a store as MLflow does."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = ["server", "--backend-store-uri", store.uri, "--port", str(port), "--workers", "1"]
    with (store.file.parent / "server.log").open("wb") as log:
        server = subprocess.Popen(
            [sys.executable, "-m", "mlflow", *command], stdout=log, stderr=log, start_new_session=True
        )
    try:
        url = f"http://127.0.0.1:{port}"
        deadline = time.monotonic() + 200
        while not _answers(f"{url}/health"):
            assert server.poll() is None, log.name
            assert time.monotonic() < deadline, log.name
            time.sleep(0.2)
        yield url
    finally:
        with suppress(ProcessLookupError):
            os.killpg(server.pid, signal.SIGKILL)
        server.wait()


def _answers(url: str) -> bool:
    with suppress(OSError), urlopen(url, timeout=5) as answer:
        return bool(answer.status == 200)
    return False
