"""The actor of a stage: automation, or a person under a pseudonym."""

from __future__ import annotations

import getpass
import hmac
import os

from cycletrace._internal.sdk.settings import Settings
from cycletrace.conventions import AUTOMATION, HUMAN


def actor(by: str | None, settings: Settings) -> tuple[str, str | None]:
    """Return the type of actor, and the person's id if people are recorded."""
    if by is None or by == AUTOMATION:
        return AUTOMATION, None
    name = by.partition(":")[2] or login()
    if settings.people == "none":
        return HUMAN, None
    return HUMAN, name if settings.people == "names" else pseudonym(name, settings)


def pseudonym(name: str, settings: Settings) -> str:
    """Return a name hashed with the shared secret, or with the namespace if there is none: 16 hex digits."""
    key = settings.people_key or settings.namespace
    return hmac.new(key.encode("utf-8", "replace"), name.encode("utf-8", "replace"), "sha256").hexdigest()[:16]


def login() -> str:
    """Return the name of the logged-in user."""
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):  # a container whose user has no entry
        return f"uid-{os.getuid()}" if hasattr(os, "getuid") else "unknown"
