"""The model of a program that names none: its script or notebook or, where that could be anybody's, its project."""

from __future__ import annotations

import os
import re
import stat
import sys
from collections.abc import Iterator
from pathlib import Path

GENERIC = frozenset(
    {
        "__main__",
        "app",
        "cycletrace",
        "debug",
        "experiment",
        "fit",
        "job",
        "main",
        "model",
        "notebook",
        "pipeline",
        "py",
        "pytest",
        "python",
        "run",
        "script",
        "start",
        "task",
        "test",
        "train",
        "trainer",
        "training",
        "untitled",
    }
)
"""Names that say what a program does, and nothing of what it is about."""
MAX_BYTES = 65_536
"""How much of a file is read."""
_SECTION = re.compile(r"\s*\[([^\[\]]+)\]\s*(?:#.*)?$")
_NAME = re.compile(r"""\s*name\s*=\s*["']([^"']+)["']""")
_WORKTREE = re.compile(r"gitdir: (.+)[/\\]\.git[/\\]worktrees[/\\]")


def find_name() -> str:
    """Return the name of this program, or of its project if that of the program is a usual one."""
    own = _notebook() or _script()
    if own.lower().rstrip("0123456789") not in GENERIC:
        return own
    return next(filter(None, map(_project, _folders())), own)


def _notebook() -> str | None:
    """Return the name of the running notebook, or ``None`` if this is no notebook."""
    if "ipykernel" not in sys.modules and Path(_command()).stem != "ipykernel_launcher":  # the kernel, or its worker
        return None
    return Path(os.environ.get("JPY_SESSION_NAME", "")).stem or "notebook"  # set by Jupyter's server


def _script() -> str:
    """Return the name of the running script, or of the package run by ``python -m``."""
    script = Path(_command())
    name = script.parent.name if script.stem == "__main__" else script.stem
    return name if name and not name.startswith("-") else "python"


def _command() -> str:
    return sys.argv[0] if sys.argv else ""


def _folders() -> Iterator[Path]:
    """Yield the directories that may be of a project, from the innermost: of the script, or where a tool was called.

    A home directory is of no project, though dotfiles may be kept in git there.
    """
    script = Path(_command())
    try:
        folder = (script.parent if script.suffix == ".py" and script.stem != "__main__" else Path.cwd()).resolve()
        outside = {Path(folder.anchor), Path.home()}
    except (OSError, RuntimeError):  # the working directory or the home is gone or unknown
        return
    for candidate in (folder, *folder.parents):
        if candidate in outside:
            return
        yield candidate


def _project(folder: Path) -> str | None:
    """Return the name of the project whose root this directory is, by ``pyproject.toml`` or git, or ``None``."""
    section = ""
    for line in _read(folder / "pyproject.toml").splitlines():
        begins = _SECTION.match(line)
        name = _NAME.match(line)
        if begins is not None:
            section = begins[1].strip()
        elif name is not None and section in {"project", "tool.poetry"}:
            return name[1]
    git = folder / ".git"
    if not os.path.lexists(git):
        return None
    worktree = _WORKTREE.match(_read(git))
    return folder.name if worktree is None else Path(worktree[1]).name


def _read(path: Path) -> str:
    """Return the beginning of a file; of anything else, such as a pipe that nobody writes to, nothing."""
    try:
        with os.fdopen(os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0)), "rb") as file:
            is_file = stat.S_ISREG(os.fstat(file.fileno()).st_mode)
            return file.read(MAX_BYTES).decode("utf-8", "replace") if is_file else ""
    except OSError:
        return ""
