"""The model of a program that names none: its script or notebook or, where that could be anybody's, its project."""

from __future__ import annotations

import os
import re
import stat
import sys
from collections.abc import Iterator, Sequence
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


def find_name(script: str | None = None) -> str:
    """Return the name of a program, or of its project if that of the program is a usual one.

    ``script`` is its path as in ``sys.argv[0]``; by default, it is this program.
    """
    path = Path(script or (sys.argv[0] if sys.argv else ""))
    own = _notebook(path) or _name(path)
    usual = own.lower().rstrip("0123456789") in GENERIC or own.startswith("test_")
    return (usual and next(filter(None, map(_project, _folders(path))), None)) or own


def script_of(command: Sequence[str]) -> str | None:
    """Return the path of the Python script or module that a command runs; ``None`` if it does not name one.

    Launchers may stand before it, and a shell may be given all of it as one word.
    """
    words = " ".join(command).split()
    is_python = False
    for word, following in zip(words, [*words[1:], ""], strict=True):
        if word.endswith(".py"):
            return word
        if word == "-m" and is_python:
            return following.replace(".", "/") + ".py"
        is_python = is_python or Path(word).name.startswith("python")
    return None


def _notebook(script: Path) -> str | None:
    """Return the name of the running notebook, or ``None`` if this is no notebook."""
    if "ipykernel" not in sys.modules and script.stem != "ipykernel_launcher":  # the kernel, or its worker
        return None
    return Path(os.environ.get("JPY_SESSION_NAME", "")).stem or "notebook"  # set by Jupyter's server


def _name(script: Path) -> str:
    """Return the name of a script, or of the package run by ``python -m``."""
    name = script.parent.name if script.stem == "__main__" else script.stem
    return name if name and not name.startswith("-") else "python"


def _folders(script: Path) -> Iterator[Path]:
    """Yield the directories that may be of a project, from the innermost: of the script, or where a tool was called.

    A home directory is of no project, though dotfiles may be kept in git there.
    """
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
