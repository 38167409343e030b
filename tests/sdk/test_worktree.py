"""The cycle of a worktree, and unsafe files that a cloned repository or another user may put there."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.journals import Journal, environment

SECRET = "[default]\naws_secret_access_key = wJalrXUtnFEMI\n"
STRANGER = 65534

STAGE = """
import logging, sys
logging.basicConfig(stream=sys.stderr, format="%(message)s")
from cycletrace import stage
with stage("train"):
    pass
"""


def run(worktree: Path, state: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        env=environment(state),
        cwd=worktree,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def record(worktree: Path, state: Path) -> tuple[str | None, str]:
    """Return the key of a stage in this directory, unless it was generated, and the log."""
    done = subprocess.run(
        [sys.executable, "-c", STAGE],
        env=environment(state),
        cwd=worktree,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0
    attributes = Journal(state).span("train")["attributes"]
    return None if attributes.get("cycletrace.cycle.implicit") else attributes["cycletrace.cycle.key"], done.stderr


def start(worktree: Path, state: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "cycletrace", "start", "churn", *arguments]
    return subprocess.run(
        command, env=environment(state), cwd=worktree, capture_output=True, text=True, timeout=120, check=False
    )


@pytest.fixture
def worktree(tmp_path: Path) -> Path:
    (tmp_path / "work" / ".git").mkdir(parents=True)
    return tmp_path / "work"


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    (tmp_path / "credentials").write_text(SECRET)
    return tmp_path / "credentials"


def file_of(worktree: Path) -> Path:
    (worktree / ".cycletrace").mkdir(exist_ok=True)
    return worktree / ".cycletrace" / "cycle"


def test_a_key_in_the_file_is_the_cycle_also_from_a_folder_below(worktree: Path, tmp_path: Path) -> None:
    file_of(worktree).write_text("churn@7\n")
    (worktree / "deep" / "er").mkdir(parents=True)
    assert record(worktree / "deep" / "er", tmp_path / "state") == ("churn@7", "")


def put_link(path: Path, secret: Path) -> None:
    path.symlink_to(secret)


def put_long_line(path: Path, _: Path) -> None:
    path.write_text("x" * 4097)


def put_huge_file(path: Path, _: Path) -> None:
    path.touch()
    os.truncate(path, 1 << 34)


def put_two_lines(path: Path, _: Path) -> None:
    path.write_text(SECRET)


def put_bytes(path: Path, _: Path) -> None:
    path.write_bytes(b"\xff\xfe\x00")


def put_control_characters(path: Path, _: Path) -> None:
    path.write_text("churn\x1b[2J@7")


def put_pipe(path: Path, _: Path) -> None:
    os.mkfifo(path)


def put_folder(path: Path, _: Path) -> None:
    path.mkdir()


def put_writable_file(path: Path, _: Path) -> None:
    path.write_text("churn@7")
    path.chmod(0o666)


def put_strangers_file(path: Path, _: Path) -> None:
    path.write_text("churn@7")
    os.chown(path, STRANGER, -1)


def put_strangers_folder(path: Path, _: Path) -> None:
    path.write_text("churn@7")
    os.chown(path.parent, STRANGER, -1)


def put_writable_folder(path: Path, _: Path) -> None:
    path.write_text("churn@7")
    path.parent.chmod(0o777)


needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file to somebody else")


@pytest.mark.parametrize(
    "put",
    [
        put_link,
        put_long_line,
        put_huge_file,
        put_two_lines,
        put_bytes,
        put_control_characters,
        put_pipe,
        put_folder,
        put_writable_file,
        pytest.param(put_strangers_file, marks=needs_root),
        pytest.param(put_strangers_folder, marks=needs_root),
        put_writable_folder,
    ],
)
def test_anything_but_the_users_own_single_line_is_ignored_and_logged(
    put: Callable[[Path, Path], None], worktree: Path, secret: Path, tmp_path: Path
) -> None:
    put(file_of(worktree), secret)
    began = time.monotonic()
    record(tmp_path, tmp_path / "undisturbed")
    undisturbed = time.monotonic() - began
    began = time.monotonic()
    key, logged = record(worktree, tmp_path / "state")
    assert key is None
    assert logged.count("\n") == 1
    assert logged.startswith(str(worktree))
    assert logged.endswith(", so it is ignored.\n")
    assert time.monotonic() - began < 15 + 5 * undisturbed, "it was not waited for, nor read whole"
    journals = b"".join(path.read_bytes() for path in (tmp_path / "state").rglob("*.jsonl"))
    assert b"aws_secret" not in journals
    assert b"wJalr" not in journals


def test_a_folder_behind_a_link_is_ignored(worktree: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "cycle").write_text("churn@7")
    (worktree / ".cycletrace").symlink_to(tmp_path / "elsewhere")
    key, logged = record(worktree, tmp_path / "state")
    assert key is None
    assert logged == (
        f"{worktree / '.cycletrace'} is a symbolic link, which cycletrace does not follow, so it is ignored.\n"
    )


def test_an_ignored_file_does_not_hide_the_cycle_of_a_parent_directory(
    worktree: Path, secret: Path, tmp_path: Path
) -> None:
    file_of(worktree).write_text("churn@7")
    (worktree / "vendored").mkdir()
    put_link(file_of(worktree / "vendored"), secret)
    assert record(worktree / "vendored", tmp_path / "state")[0] == "churn@7"


def test_start_makes_files_for_the_user_alone_and_commands_that_follow_join(worktree: Path, tmp_path: Path) -> None:
    assert start(worktree, tmp_path / "state", "--version", "7").returncode == 0
    assert {path.name for path in (worktree / ".cycletrace").iterdir()} == {".gitignore", "cycle"}
    assert file_of(worktree).stat().st_mode & 0o777 == 0o600
    assert record(worktree, tmp_path / "state") == ("churn@7", "")
    again = start(worktree, tmp_path / "state")
    assert again.returncode == 2
    assert "a cycle has already begun here" in again.stderr
    assert start(worktree, tmp_path / "state", "--version", "8", "--force").returncode == 0
    assert record(worktree, tmp_path / "other")[0] == "churn@8"


@pytest.mark.parametrize("name", ["cycle", ".gitignore"])
@pytest.mark.parametrize("is_dangling", [False, True])
def test_start_does_not_write_through_a_link_to_a_file(
    name: str, is_dangling: bool, worktree: Path, secret: Path, tmp_path: Path
) -> None:
    target = tmp_path / "missing" if is_dangling else secret
    (file_of(worktree).parent / name).symlink_to(target)
    done = start(worktree, tmp_path / "state", "--force")
    assert done.returncode == 2
    last = done.stderr.splitlines()[-1]
    assert last.startswith(f"cycletrace: {worktree / '.cycletrace' / name} is a symbolic link")
    assert secret.read_text() == SECRET
    assert target.exists() is not is_dangling


def test_start_does_not_write_through_a_link_to_a_directory(worktree: Path, tmp_path: Path) -> None:
    (tmp_path / "ssh").mkdir()
    (worktree / ".cycletrace").symlink_to(tmp_path / "ssh")
    done = start(worktree, tmp_path / "state")
    assert done.returncode == 2
    assert list((tmp_path / "ssh").iterdir()) == []
    assert "is a symbolic link" in done.stderr


@needs_root
def test_start_does_not_write_into_another_users_directory(worktree: Path, tmp_path: Path) -> None:
    file_of(worktree)
    os.chown(worktree / ".cycletrace", STRANGER, -1)
    done = start(worktree, tmp_path / "state")
    assert done.returncode == 2
    assert f"belongs to another user (uid {STRANGER})" in done.stderr
    assert list((worktree / ".cycletrace").iterdir()) == []


def test_close_removes_the_file_and_not_what_a_link_leads_to(worktree: Path, secret: Path, tmp_path: Path) -> None:
    put_link(file_of(worktree), secret)
    command = [sys.executable, "-m", "cycletrace", "close", "failed", "--cycle", "churn@7"]
    done = subprocess.run(
        command, env=environment(tmp_path / "state"), cwd=worktree, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0
    assert secret.read_text() == SECRET
