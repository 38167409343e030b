"""Checks of whether other users could have written to a file or directory."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from cycletrace._internal.journal.files import delivered_directory, journal_directory


def find_intruder(path: Path, status: os.stat_result) -> str | None:
    """Return why anyone but this user or root may have written here, or ``None`` if nobody else may have.

    A symbolic link is a reason, and so is write permission for a group other than the user's own. On Windows, owners
    are unknown and nothing is reported.
    """
    if stat.S_ISLNK(status.st_mode):
        return f"{path} is a symbolic link, which cycletrace does not follow"
    if not hasattr(os, "geteuid"):
        return None
    if status.st_uid not in {os.geteuid(), 0}:
        return f"{path} belongs to another user (uid {status.st_uid})"
    is_group_foreign = status.st_gid != os.getegid()
    if status.st_mode & stat.S_IWOTH or (status.st_mode & stat.S_IWGRP and is_group_foreign):
        return f"{path} is writable by other users (fix it with chmod go-w)"
    return None


def refuse_directory(directory: Path) -> str | None:
    """Return why a state directory cannot be used, or ``None`` if it can or does not exist yet.

    The directory itself, which the user chose, may be a link; its subdirectories may not.
    """
    looks = ((directory, os.stat), (journal_directory(directory), os.lstat), (delivered_directory(directory), os.lstat))
    for folder, look in looks:
        try:
            reason = find_intruder(folder, look(folder))
        except (OSError, ValueError):  # missing or inaccessible: opening it will fail
            return None
        if reason is not None:
            return reason
    return None
