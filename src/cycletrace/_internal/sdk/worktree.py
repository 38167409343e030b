"""The cycle of a worktree: ``.cycletrace/cycle`` in the nearest directory, written by ``start``, read by every process.

A cloned repository, an archive or another user may have put anything there. So only a small regular file owned by the
user or root is used, in a directory owned by them, and nothing is read or written through a link.
"""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from pathlib import Path
from secrets import token_hex

from cycletrace._internal.diagnostics import log_once
from cycletrace._internal.journal.ownership import find_intruder

FOLDER = ".cycletrace"
FILE = "cycle"
MAX_BYTES = 4096
"""Maximum size of the file in bytes: one line with a key or a JSON object."""


class UnsafeError(Exception):
    """A file or directory that must be neither read nor written. The message is for the user."""


def find_cycle(start: Path | None = None) -> tuple[Path, str] | None:
    """Return the nearest cycle file, from this directory (default: the working directory) upwards, and its line.

    Unsafe files are logged and skipped.
    """
    try:
        folder = (start or Path.cwd()).resolve()
    except (OSError, RuntimeError):  # the working directory is gone or unreadable, or links form a loop
        return None
    for candidate in (folder, *folder.parents):
        path = candidate / FOLDER / FILE
        try:
            return path, _read(path)
        except UnsafeError as error:
            log_once(f"{error}, so it is ignored.")
        except OSError:  # usually, there is none
            continue
    return None


def known_version(cycle_file: Path, cycle_id: str) -> str | None:
    """Return the key of the version that the cycle in this file took, or ``None`` as long as it has none."""
    try:
        return _read(_version_file(cycle_file, cycle_id))
    except (UnsafeError, OSError):
        return None


def remember_version(cycle_file: Path, cycle_id: str, key: str) -> bool:
    """Remember the version that the cycle in this file takes. Return ``False`` if it has one, or that is impossible."""
    path = _version_file(cycle_file, cycle_id)
    scratch = path.with_name(f"{path.name}.{token_hex(4)}")
    try:
        _check_folder(path.parent)
        _write_new(scratch, key + "\n")
    except (UnsafeError, OSError):
        return False
    try:
        scratch.rename(path) if os.name == "nt" else os.link(scratch, path)  # each fails if there is one
    except OSError:
        return False
    finally:
        scratch.unlink(missing_ok=True)
    return True


def _version_file(cycle_file: Path, cycle_id: str) -> Path:
    return cycle_file.with_name(f"version-{cycle_id[:16]}")


def remove_cycle(cycle_file: Path, cycle_id: str) -> None:
    """Remove the file of a cycle, and what was remembered of it.

    Raises:
        OSError: if the file cannot be removed.
    """
    cycle_file.unlink()
    with suppress(OSError):
        _version_file(cycle_file, cycle_id).unlink()


def _read(path: Path) -> str:
    """Return the line in the file.

    Raises:
        UnsafeError: if it must not be read.
        OSError: if it cannot be read.
    """
    _check_folder(path.parent)
    _check_file(path, path.lstat())
    # The file may be replaced meanwhile, and opening a pipe could block forever.
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
    with os.fdopen(descriptor, "rb") as file:
        _check_file(path, os.fstat(descriptor))
        content = file.read(MAX_BYTES + 1)
    try:
        line = content.decode("utf-8").removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError:
        line = ""
    if len(content) > MAX_BYTES or not line.isprintable() or not line.strip():
        raise UnsafeError(f"{path} is not a single line of text of at most {MAX_BYTES} bytes")
    return line


def _check_folder(folder: Path) -> None:
    status = folder.lstat()
    _refuse(folder, status, is_right=stat.S_ISDIR(status.st_mode), kind="directory")


def _check_file(path: Path, status: os.stat_result) -> None:
    _refuse(path, status, is_right=stat.S_ISREG(status.st_mode), kind="regular file")


def _refuse(path: Path, status: os.stat_result, *, is_right: bool, kind: str) -> None:
    reason = find_intruder(path, status)
    if reason is None and not is_right:
        reason = f"{path} is not a {kind}"
    if reason is not None:
        raise UnsafeError(reason)


def write_cycle(worktree: Path, line: str) -> Path:
    """Write the cycle of a worktree, in a directory that git ignores, and return the file.

    Raises:
        UnsafeError: if there is a link, or another user may write there.
        OSError: if it cannot be written.
    """
    folder = worktree / FOLDER
    with suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    _check_folder(folder)
    _replace(folder / ".gitignore", "*\n")
    _replace(folder / FILE, line + "\n")
    return folder / FILE


def _replace(path: Path, text: str) -> None:
    """Write a file atomically, replacing an existing one."""
    with suppress(FileNotFoundError):
        _check_file(path, path.lstat())
    scratch = path.with_name(f"{path.name}.{token_hex(4)}")
    _write_new(scratch, text)
    try:
        scratch.replace(path)
    except OSError:
        scratch.unlink(missing_ok=True)
        raise


def _write_new(path: Path, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
    except OSError:
        path.unlink(missing_ok=True)
        raise
