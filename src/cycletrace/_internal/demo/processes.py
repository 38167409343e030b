"""The demo's processes: steps, which run to completion, and services, which run until the demo ends.

All end with the demo, even if it is killed: a service when the pipe to its stdin closes, and a step by ``watched``.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO

PATIENCE = 3.0
"""Seconds that a process has to end by itself."""

Process = subprocess.Popen[str]


STEPS = "cycletrace._internal.demo.steps"
"""Where the steps are. They run as modules, since a script's directory would shadow ``select``."""


def watched(module: str, *arguments: str) -> list[str]:
    """Return the command that runs a module, and ends it with the demo. Its stdin is a pipe, or the terminal."""
    return [sys.executable, "-m", "cycletrace._internal.demo.watched", module, *arguments]


def run_step(
    step: str, *arguments: str, folder: Path, environment: Mapping[str, str], is_interactive: bool = False
) -> tuple[int, str]:
    """Run a step to completion in this directory.

    Return its exit code and output, which is also saved in the directory as ``STEP.log``. An interactive step uses the
    terminal instead, and nothing is saved.
    """
    pipe = None if is_interactive else subprocess.PIPE
    with subprocess.Popen(  # noqa: S603 - our own scripts
        watched(f"{STEPS}.{step}", *arguments),
        cwd=folder,
        env=environment,
        stdin=pipe,
        stdout=pipe,
        stderr=None if is_interactive else subprocess.STDOUT,
        text=True,
    ) as process:
        try:
            # Not communicate(), which would close stdin.
            output = process.stdout.read() if process.stdout is not None else ""
            process.wait()
        except BaseException:
            end(process)
            raise
    if not is_interactive:
        (folder / f"{step}.log").write_text(output, encoding="utf-8")
    return process.returncode, output


@contextmanager
def service(
    step: str, *arguments: str, folder: Path, environment: Mapping[str, str]
) -> Generator[tuple[Process, IO[str]], None, None]:
    """Run a service until the block ends, and provide the process and its stdout.

    Its stderr goes to ``STEP.log`` in the directory.
    """
    with (
        (folder / f"{step}.log").open("w", encoding="utf-8") as errors,
        subprocess.Popen(  # noqa: S603 - our own scripts
            [sys.executable, "-m", f"{STEPS}.{step}", *arguments],
            cwd=folder,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            start_new_session=True,  # Ctrl-C is for the demo, which then ends its services
        ) as process,
    ):
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            yield process, process.stdout
        finally:
            process.stdin.close()
            end(process)


def end(process: Process) -> None:
    """Wait for a process to end by itself (after Ctrl-C or a closed pipe), then terminate it."""
    if not _has_ended(process):
        process.terminate()
        if not _has_ended(process):
            process.kill()
            process.wait()


def _has_ended(process: Process) -> bool:
    try:
        process.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        return False
    return True
