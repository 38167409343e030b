"""FastAPI under uvicorn: which request is the first use of a model."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.integrations.journal import spans
from tests.journals import environment

pytestmark = [pytest.mark.integrations, pytest.mark.timeout(600)]

SERVER = """
import fastapi, uvicorn
from cycletrace.integrations.asgi import ServedMiddleware

app = fastapi.FastAPI()
app.add_middleware(
    ServedMiddleware, "churn", "7", mechanism="flag",
    is_real=lambda scope: (b"x-smoke-test", b"1") not in scope["headers"],
)

@app.get("/health")
def health(): return "ok"

@app.post("/predict")
def predict(features: list[float]): return sum(features)

uvicorn.run(app, port=0, log_level="info")
"""


class Server:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.process = subprocess.Popen(
            [sys.executable, "-c", SERVER],
            env=environment(folder / "state"),
            cwd=folder,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self.process.stderr is not None
        for line in self.process.stderr:
            if found := re.search(r"http://127\.0\.0\.1:(\d+)", line):
                self.port = int(found[1])
                break

    def ask(self, path: str, body: Any = None, **headers: str) -> int:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}{path}", data, {"Content-Type": "application/json", **headers}
        )
        try:
            with urllib.request.urlopen(request, timeout=60) as response:
                return int(response.status)
        except urllib.error.HTTPError as error:
            return error.code

    def marks(self) -> list[str]:
        attributes = [span["attributes"] for span in spans(self.folder)]
        return [each["cycletrace.cycle.key"] for each in attributes if each.get("cycletrace.mark.name") == "in_use"]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    started = Server(tmp_path)
    yield started
    started.process.kill()
    started.process.wait()


def test_the_first_prediction_that_succeeds_is_the_first_use(server: Server) -> None:
    assert server.ask("/health") == 200
    assert server.ask("/predict", {"not": "features"}) == 422
    assert server.ask("/predict", [1, 2], **{"X-Smoke-Test": "1"}) == 200
    assert server.ask("/nowhere/predict", [1]) == 404
    assert server.marks() == []
    for _ in range(3):
        assert server.ask("/predict", [1, 2]) == 200
    deadline = time.monotonic() + 30
    while not server.marks() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert server.marks() == ["churn@7"]


def test_a_recorder_that_cannot_write_changes_no_answer(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("a file where the directory should be")
    server = Server(tmp_path)
    try:
        assert server.ask("/predict", [1, 2]) == 200
    finally:
        os.kill(server.process.pid, 9)
        server.process.wait()
