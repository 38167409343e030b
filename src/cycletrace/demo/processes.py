"""The demo's processes: steps that run to their end, and services that answer until it is over.

All are known by their pid and ended by it. A service ends when the pipe to its standard input closes, and so
also when the demo is killed.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO

PATIENCE = 3.0
"""Seconds that a process gets to end by itself."""

Process = subprocess.Popen[str]


def command(step: str, *arguments: str) -> list[str]:
    """How a step is run: as a module, since ``select.py`` beside a script would hide Python's own ``select``."""
    return [sys.executable, "-m", f"cycletrace.demo.steps.{step}", *arguments]


def run_step(
    step: str, *arguments: str, folder: Path, environment: Mapping[str, str], is_interactive: bool = False
) -> tuple[int, str]:
    """Run a step to its end in this folder.

    Returns its exit code and what it printed, which is also kept in the folder as ``STEP.log``. An interactive
    step has the terminal instead, and nothing is kept.
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
    """Start a service; end it on the way out. Gives the process and its standard output.

    Its standard error goes to ``STEP.log`` in the folder.
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
    """Give it time to end by itself (it has been told to, by Ctrl-C or a closed pipe), then end it by its pid."""
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
