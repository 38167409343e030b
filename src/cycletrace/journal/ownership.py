"""Who could have written a file, or could write into a folder: its owner alone, or somebody else too."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from cycletrace.journal.files import delivered_directory, journal_directory


def find_intruder(path: Path, status: os.stat_result) -> str | None:
    """Return why what is here may be somebody else's than this user's or root's, in a sentence; ``None``: it is not.

    A link counts, and so does a group that may write, unless it is the user's own. On Windows owners are unknown, and
    nobody is suspected.
    """
    if stat.S_ISLNK(status.st_mode):
        return f"{path} is a symbolic link, which cycletrace does not follow"
    if not hasattr(os, "geteuid"):
        return None
    if status.st_uid not in {os.geteuid(), 0}:
        return f"{path} belongs to another user (uid {status.st_uid})"
    is_group_foreign = status.st_gid != os.getegid()
    if status.st_mode & stat.S_IWOTH or (status.st_mode & stat.S_IWGRP and is_group_foreign):
        return f"{path} can be written by others (chmod go-w would end that)"
    return None


def refuse_directory(directory: Path) -> str | None:
    """Return why a state directory cannot be used, in a sentence; ``None`` where it can, or is yet to be made.

    The directory itself, which the user chose, may be a link; its folders may not.
    """
    looks = ((directory, os.stat), (journal_directory(directory), os.lstat), (delivered_directory(directory), os.lstat))
    for folder, look in looks:
        try:
            reason = find_intruder(folder, look(folder))
        except (OSError, ValueError):  # it is missing, or cannot be looked at: whoever opens it finds out
            return None
        if reason is not None:
            return reason
    return None
