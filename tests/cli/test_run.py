"""Any command as a stage."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
import time

import pytest
from tests.cli.commands import Shell


@pytest.mark.parametrize(
    ("command", "code"), [("exit 0", 0), ("exit 3", 3), ("kill -9 $$", -9), ("kill -TERM $$", -15)]
)
def test_it_ends_as_the_command_ends(shell: Shell, command: str, code: int) -> None:
    result = shell.run(
        "run", "--stage", "train", "--cycle", "churn@7", "--", "sh", "-c", f"echo out; echo err >&2; {command}"
    )
    assert result == (code, "out\n", "err\n")
    (cycle,) = shell.facts("--cycle", "churn@7")
    (stage,) = cycle["stages"]
    assert stage["outcome"] == {0: "ok", 3: "error", -9: "error", -15: "interrupted"}[code]


def test_a_command_that_cannot_run_exits_as_in_a_shell(shell: Shell) -> None:
    missing = shell.run("run", "--stage", "train", "--cycle", "churn@7", "--", "no-such-command")
    assert missing.code == 127
    assert "no-such-command" in missing.err
    assert shell.run("run", "--stage", "train", "--cycle", "churn@7", "--", str(shell.folder)).code == 126
    assert shell.run("run", "--stage", "train").code == 2
    assert shell.run("run", "--stage", "train", "--by", "me", "--", "true").code == 2


def test_stages_inside_are_its_children(shell: Shell) -> None:
    code = "from cycletrace import stage\nwith stage('fit', kind='train'): pass"
    shell.run("run", "--stage", "train", "--cycle", "churn@7", "--", sys.executable, "-c", code)
    (cycle,) = shell.facts("--cycle", "churn@7")
    outer, inner = cycle["stages"]
    assert (outer["name"], inner["name"]) == ("train", "fit")
    assert inner["parent"] == outer["id"]


def test_the_cycle_is_described_to_what_runs_inside(shell: Shell) -> None:
    inner = "from cycletrace import stage\nwith stage('fit', kind='train'): pass"
    words = ("--model", "fraud", "--domain", "tabular", "--trigger", "drift")
    shell.run("run", "--stage", "train", "--cycle", "run-4711", *words, "--", sys.executable, "-c", inner)
    shell.run("run", "--stage", "test", "--domain", "text", "--", "true", CYCLETRACE_CYCLE="churn@7")
    facts = {cycle["key"]: cycle for cycle in shell.facts()}
    described = {key: (cycle["model"], cycle["domain"], cycle["trigger"]) for key, cycle in facts.items()}
    assert described == {"run-4711": ("fraud", "tabular", "drift"), "churn@7": ("churn", "text", "idea")}
    assert [stage["name"] for stage in facts["run-4711"]["stages"]] == ["train", "fit"]


@pytest.mark.parametrize("stages", ["--stage train", "--auto"])
def test_a_cycle_that_is_of_another_model_is_not_renamed(shell: Shell, stages: str) -> None:
    shell.run("start", "churn")
    refused = shell.run("run", *stages.split(), "--model", "fraud", "--", "touch", "ran")
    assert refused.code == 2
    assert "is of the model churn: name that of fraud with --cycle" in refused.err
    assert shell.run("run", *stages.split(), "--model", "churn", "--", "true").code == 0
    assert [one["model"] for one in shell.facts()] == ["churn"]


def test_signals_are_passed_on_to_the_command(shell: Shell) -> None:
    script = "trap 'echo stopping; exit 7' TERM; echo ready; while :; do sleep 0.05; done"
    process = subprocess.Popen(
        [sys.executable, "-m", "cycletrace", "run", "--stage", "serve", "--cycle", "churn@7", "--", "sh", "-c", script],
        cwd=shell.folder,
        env=shell.environment(),
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    process.send_signal(signal.SIGTERM)
    out, _ = process.communicate(timeout=60)
    assert (process.returncode, out) == (7, "stopping\n")


def test_when_it_is_killed_the_stage_is_lost(shell: Shell) -> None:
    (lasts := shell.folder / "lasts").touch()
    command = [sys.executable, "-m", "cycletrace", "run", "--stage", "train", "--cycle", "churn@7"]
    until_removed = f"while [ -e '{lasts}' ]; do sleep 0.1; done"
    process = subprocess.Popen(
        [*command, "--", "sh", "-c", until_removed],
        cwd=shell.folder,
        env=shell.environment(),
    )
    deadline = time.monotonic() + 60
    while not shell.facts() and time.monotonic() < deadline:
        time.sleep(0.05)
    process.kill()
    process.wait()
    (cycle,) = shell.facts("--cycle", "churn@7")
    lasts.unlink()
    assert [stage["outcome"] for stage in cycle["stages"]] == ["lost"]


def test_signals_that_were_ignored_stay_ignored_in_the_command(shell: Shell) -> None:
    script = "import signal; print(signal.getsignal(signal.SIGHUP).name, signal.getsignal(signal.SIGTERM).name)"
    process = subprocess.run(
        ["nohup", sys.executable, "-m", "cycletrace", "run", "--stage", "train", "--", sys.executable, "-c", script],
        cwd=shell.folder,
        env=shell.environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (process.returncode, process.stdout) == (0, "SIG_IGN SIG_DFL\n")


def test_the_command_owns_the_terminal_and_ctrl_c(shell: Shell) -> None:
    script = """
import signal, sys, time
try:
    print("terminal", sys.stdin.isatty(), sys.stdout.isatty(), flush=True)
    time.sleep(60)
except KeyboardInterrupt:
    print("stopping", flush=True)
    sys.exit(9)
"""
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(shell.folder)
        command = ["cycletrace", "run", "--stage", "train", "--cycle", "churn@7", "--", sys.executable, "-c", script]
        os.execve(sys.executable, [sys.executable, "-m", *command], shell.environment())
    shown = b""
    while b"True True" not in shown:
        shown += os.read(terminal, 1024)
    os.write(terminal, b"\x03")
    while b"stopping" not in shown:
        shown += os.read(terminal, 1024)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 9
    os.close(terminal)
    (cycle,) = shell.facts("--cycle", "churn@7")
    (stage,) = cycle["stages"]
    assert (stage["outcome"], stage["launch"]) == ("error", "terminal")
