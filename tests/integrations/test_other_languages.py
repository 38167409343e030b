"""Programs without cycletrace: what they send by OTLP, as ``docs/other-languages.md`` shows it, is a cycle."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.collector.process import Collect

EXAMPLE = Path(__file__).parents[2] / "examples" / "otlp"


@pytest.fixture
def collector(tmp_path: Path) -> Iterator[Collect]:
    started = Collect(tmp_path / "store.db")
    yield started
    started.kill()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(EXAMPLE, tmp_path / "otlp"))


def run(folder: Path, collector: Collect, *command: str) -> None:
    """Run a command of the example, and check the cycle that the collector then has."""
    env = {**os.environ, "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{collector.http_port}"}
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    facts = facts_in(collector.store)
    assert [(facts[name]) for name in ("key", "namespace", "model", "outcome")] == ["churn@7", "ads", "churn", "in_use"]
    (stage,) = facts["stages"]
    assert (stage["name"], stage["kind"], stage["outcome"]) == ("train", "train", "ok")
    assert 0.1 <= (stage["end"] - stage["start"]) / 1e9 < 60
    assert facts["marks"]["in_use"] >= stage["end"]


def facts_in(store: Path) -> dict[str, Any]:
    command = [sys.executable, "-m", "cycletrace", "facts", "--store", str(store)]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    (line,) = printed.splitlines()
    return dict(json.loads(line))


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_sent_with_curl(folder: Path, collector: Collect) -> None:
    run(folder, collector, "bash", "send.sh")


@pytest.mark.integrations
@pytest.mark.timeout(600)
def test_sent_with_the_sdk_for_node(folder: Path, collector: Collect) -> None:
    subprocess.run(["npm", "install", "--no-audit", "--no-fund"], cwd=folder, capture_output=True, check=True)
    run(folder, collector, "node", "send.js")


@pytest.mark.integrations
@pytest.mark.timeout(600)
def test_sent_with_the_sdk_for_go(folder: Path, collector: Collect) -> None:
    subprocess.run(["go", "mod", "tidy"], cwd=folder, capture_output=True, check=True)
    subprocess.run(["go", "build", "-o", "send", "."], cwd=folder, capture_output=True, check=True)
    run(folder, collector, "./send")
