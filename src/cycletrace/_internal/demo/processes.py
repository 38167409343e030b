"""The demo's processes: steps, which run to completion, and services, which run until the demo ends.

A service ends when the pipe to its stdin closes, and so also if the demo is killed.
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


def command(step: str, *arguments: str) -> list[str]:
    """Return the command for a step. It runs as a module, since a script's directory would shadow ``select``."""
    return [sys.executable, "-m", f"cycletrace._internal.demo.steps.{step}", *arguments]


def run_step(
    step: str, *arguments: str, folder: Path, environment: Mapping[str, str], is_interactive: bool = False
) -> tuple[int, str]:
    """Run a step to completion in this directory.

    Return its exit code and output, which is also saved in the directory as ``STEP.log``. An interactive step uses the
    terminal instead, and nothing is saved.
    """
    pipe = None if is_interactive else subprocess.PIPE
    with subprocess.Popen(  # noqa: S603 - our own scripts
        command(step, *arguments),
        cwd=folder,
        env=environment,
        stdin=None if is_interactive else subprocess.DEVNULL,
        stdout=pipe,
        stderr=None if is_interactive else subprocess.STDOUT,
        text=True,
    ) as process:
        try:
            output, _ = process.communicate()
        except BaseException:
            end(process)
            raise
    if is_interactive:
        return process.returncode, ""
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
            command(step, *arguments),
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
