"""``cycletrace completion``: what a shell offers once it has read the script."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ASK = """
eval "$(cycletrace completion bash)"
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
complete -p cycletrace | sed -n 's/.*-F \\([^ ]*\\).*/\\1/p' > name
"$(cat name)" cycletrace "${@: -1}" "${@: -2:1}"
printf '%s\\n' "${COMPREPLY[@]}"
"""


def offered(folder: Path, *typed: str) -> list[str]:
    """Return what bash offers for the last of the words that are typed."""
    env = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run(
        ["bash", "-c", ASK, "bash", *typed], cwd=folder, env=env, capture_output=True, text=True, check=True
    )
    return done.stdout.split()


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        (("cycletrace", "rep"), {"report"}),
        (("cycletrace", "store", "ch"), {"check"}),
        (("cycletrace", "report", "--tri"), {"--trigger"}),
        (("cycletrace", "report", "--trigger", "s"), {"schedule"}),
        (("cycletrace", "start", "--trigger", "d"), {"drift"}),
        (("cycletrace", "completion", ""), {"bash", "zsh", "fish"}),
    ],
)
def test_bash_completes_commands_options_and_values(tmp_path: Path, typed: tuple[str, ...], expected: set[str]) -> None:
    assert expected <= set(offered(tmp_path, *typed))


def test_bash_completes_files(tmp_path: Path) -> None:
    (tmp_path / "cycles.db").touch()
    assert "cycles.db" in offered(tmp_path, "cycletrace", "report", "--store", "cyc")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_shell_can_read_its_script(tmp_path: Path, shell: str) -> None:
    script = subprocess.run(
        [sys.executable, "-m", "cycletrace", "completion", shell], capture_output=True, text=True, check=True
    ).stdout
    assert "--trigger" in script
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")
    subprocess.run([shell, "-n"], input=script, cwd=tmp_path, text=True, check=True)
