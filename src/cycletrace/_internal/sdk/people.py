"""The actor of a stage: automation, or a person under a pseudonym."""

from __future__ import annotations

import getpass
import os

from cycletrace._internal.people import recorded
from cycletrace._internal.sdk.settings import Settings
from cycletrace.conventions import AUTOMATION, HUMAN


def actor(by: str | None, settings: Settings) -> tuple[str, str | None]:
    """Return the type of actor, and the person's id if people are recorded."""
    if by is None or by == AUTOMATION:
        return AUTOMATION, None
    name = by.partition(":")[2] or login()
    return HUMAN, recorded(name, settings.people, settings.people_key or settings.namespace)


def login() -> str:
    """Return the name of the logged-in user."""
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):  # a container whose user has no entry
        return f"uid-{os.getuid()}" if hasattr(os, "getuid") else "unknown"
