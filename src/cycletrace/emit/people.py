"""Who did a stage: automation, or a person under a pseudonym."""

from __future__ import annotations

import getpass
import hmac
import os

from cycletrace.conventions import AUTOMATION, HUMAN
from cycletrace.emit.settings import Settings


def actor(by: str | None, settings: Settings) -> tuple[str, str | None]:
    """The type of actor, and a person's id where people are recorded at all."""
    if by is None or by == AUTOMATION:
        return AUTOMATION, None
    name = by.partition(":")[2] or login()
    if settings.people == "none":
        return HUMAN, None
    return HUMAN, name if settings.people == "names" else pseudonym(name, settings)


def pseudonym(name: str, settings: Settings) -> str:
    """A name hashed with the shared secret, with the namespace where there is none: 16 hex digits."""
    key = settings.people_key or settings.namespace
    return hmac.new(key.encode("utf-8", "replace"), name.encode("utf-8", "replace"), "sha256").hexdigest()[:16]


def login() -> str:
    """Whoever is logged in, by the name that the system knows."""
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):  # a container whose user has no entry
        return f"uid-{os.getuid()}" if hasattr(os, "getuid") else "unknown"
