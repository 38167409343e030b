"""The command line on a platform without what only Unix has."""

from __future__ import annotations

import sys

import pytest
from tests.cli.commands import Shell

WINDOWS = """
import os, signal, subprocess, sys
import asyncio, orjson  # what is not ours would load its own parts for Windows, which are not here
for module in ("fcntl", "resource", "termios", "pwd", "grp", "pty", "tty"):
    sys.modules[module] = None
for name in ("SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2", "SIGCONT", "SIGKILL", "SIGSTOP", "pause"):
    delattr(signal, name)
for name in ("geteuid", "getuid", "fork", "register_at_fork", "O_NOFOLLOW", "O_NONBLOCK"):
    delattr(os, name)
sys.platform = "win32"

class Popen(subprocess.Popen):
    def __init__(self, *args, preexec_fn=None, **options):
        assert preexec_fn is None, "not supported on Windows"
        super().__init__(*args, **options)

subprocess.Popen = Popen
from cycletrace._internal.cli.main import main
sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("--help",), 0),
        (("run", "--stage", "train", "--cycle", "churn@7", "--", sys.executable, "-c", "1"), 0),
        (("run", "--stage", "train", "--cycle", "churn@7", "--", sys.executable, "-c", "exit(3)"), 3),
        (("mark", "trained", "--cycle", "churn@7"), 0),
        (("facts",), 0),
        (("status",), 0),
    ],
)
def test_it_works_without_the_modules_and_signals_of_unix(shell: Shell, arguments: tuple[str, ...], code: int) -> None:
    done = shell.python(WINDOWS, *arguments)
    assert done.code == code, done.err
    assert "Traceback" not in done.err
    if arguments[0] == "run":
        (stage,) = shell.facts()[0]["stages"]
        assert stage["outcome"] == ("ok" if code == 0 else "error")
