"""Programs that use a framework, and the stages and waits that they left."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.journals import Journal, environment


def run(program: str, folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a program without anything of cycletrace in it, but for what its imports find."""
    return _run([sys.executable, "-c", program], folder, variables)


def run_auto(folder: Path, *command: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a command, such as the arguments of Python, with ``cycletrace run --auto`` in the cycle ``churn@7``."""
    auto = [sys.executable, "-m", "cycletrace", "run", "--auto", "--cycle", "churn@7", "--", sys.executable]
    return _run([*auto, *command], folder, variables)


def _run(command: Sequence[str], folder: Path, variables: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    env = {**environment(folder / "state"), **variables}
    return subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, timeout=280, check=False)


def spans(folder: Path) -> Sequence[Mapping[str, Any]]:
    return Journal(folder / "state").spans()


def stages(folder: Path) -> list[Mapping[str, Any]]:
    """The spans of stages, in the order in which they ended."""
    return [span for span in spans(folder) if "cycletrace.stage.outcome" in span["attributes"]]


def outcomes(folder: Path) -> list[tuple[str, str, str]]:
    """Name, kind and outcome of each stage, in the order in which they ended."""
    names = ("cycletrace.stage.name", "cycletrace.stage.kind", "cycletrace.stage.outcome")
    return [tuple(span["attributes"][name] for name in names) for span in stages(folder)]


def attributes(folder: Path, *names: str) -> list[tuple[Any, ...]]:
    """These attributes of each stage, ``None`` where it has none, in the order in which they ended."""
    return [tuple(span["attributes"].get(name) for name in names) for span in stages(folder)]


def data_waits(folder: Path) -> list[float]:
    """The seconds of each summed wait for data."""
    return [
        (span["end"] - span["start"]) / 1e9
        for span in spans(folder)
        if span["attributes"].get("cycletrace.wait.summed") and span["attributes"]["cycletrace.wait.reason"] == "data"
    ]
