"""Recording where the modules and functions of Unix are missing, as on Windows."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from tests.journals import Journal, Node, run_script

from cycletrace._internal.journal import processes

WITHOUT_UNIX = """
import os, sys, time
for module in ("fcntl", "resource", "pwd", "grp", "termios"):
    sys.modules[module] = None
for name in ("fork", "register_at_fork", "geteuid", "getegid", "getuid", "pread", "O_NOFOLLOW", "O_NONBLOCK"):
    delattr(os, name)
for name in ("CLOCK_BOOTTIME", "clock_gettime_ns"):
    if hasattr(time, name):
        delattr(time, name)
"""


def test_a_stage_is_recorded_without_the_modules_and_functions_of_unix(tmp_path: Path) -> None:
    script = (
        WITHOUT_UNIX
        + "import cycletrace as ct\nwith ct.stage('train', by='person'):\n ct.mark('started')\nct.flush()\n"
    )
    done = run_script(script, tmp_path / "state")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    journal = Journal(tmp_path / "state")
    assert journal.trees() == [Node("train")]
    assert journal.names() == ["mark started", "train"]


def test_no_process_is_probed_where_that_would_interrupt_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """On Windows, signal 0 is Ctrl-C."""
    monkeypatch.setattr(processes, "CAN_PROBE", False)
    monkeypatch.setattr(os, "kill", None)
    assert not processes.is_gone(processes.identity())
