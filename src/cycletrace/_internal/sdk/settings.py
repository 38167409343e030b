"""The settings of this process: arguments of ``configure``, else the variables of ``environment``."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import unquote

from cycletrace._internal import environment
from cycletrace._internal.diagnostics import warn_misuse
from cycletrace.conventions import SERVICE_NAMESPACE


class Settings(NamedTuple):
    """All settings."""

    directory: Path
    namespace: str
    endpoint: str | None
    """Base URL of an OTLP endpoint for cycletrace alone; otherwise ``OTEL_EXPORTER_OTLP_*`` apply."""
    enabled: bool
    propagate: bool | None
    """Whether a stage becomes the current span of OpenTelemetry; ``None`` if that depends on the program's set-up."""
    launch: str | None
    people: str
    people_key: str
    journal_limit: int
    """Maximum total size in bytes of the journals in a directory."""
    root: str
    """Who sends the root spans of named cycles: ``collector`` or ``sdk``."""
    span_processors: tuple[Any, ...] = ()


CHOSEN: dict[str, Any] = {}
"""Arguments of ``configure``, by field of :class:`Settings`. They take precedence over the environment."""


def read(env: Mapping[str, str] | None = None) -> Settings:
    """Return the current settings."""
    env = os.environ if env is None else env
    environment.STRICT.read(env)  # warns of an invalid value, as of any other variable's; its reader must not
    found: dict[str, Any] = {name: variable.read(env) for name, variable in environment.SETTINGS.items()}
    if found["namespace"] is None:
        found["namespace"] = resource_attributes(env).get(SERVICE_NAMESPACE, "")
    found |= {**CHOSEN, "directory": directory(env)}
    return Settings(**found)


def check(**given: object) -> dict[str, Any]:
    """Return those arguments of ``configure`` that are given, checked.

    Raises:
        ValueError: if a value is not allowed.
    """
    checked = {name: value for name, value in given.items() if value is not None}
    for name, value in checked.items():
        variable = environment.SETTINGS.get(name)
        if variable is not None and not isinstance(variable.default, bool):
            checked[name] = variable.check(value)
    return checked


def directory(env: Mapping[str, str] | None = None) -> Path:
    """Return the state directory, absolute: ``CYCLETRACE_DIR``, else the user's own for this platform."""
    env = os.environ if env is None else env
    chosen = CHOSEN.get("directory") or environment.DIRECTORY.read(env)
    try:
        path = chosen.expanduser() if chosen else _default_directory(env)
    except RuntimeError:
        path = _default_directory(env)
        warn_misuse("The state directory %s is in the home of an unknown user. Using %s instead.", chosen, path)
    try:
        return path.absolute()  # the program may change its working directory
    except OSError:  # the working directory may be gone
        return path


def _default_directory(env: Mapping[str, str]) -> Path:
    try:
        home = Path.home()
    except RuntimeError:  # no HOME, and no entry in the user database, as in some containers
        home = Path(env.get("TMPDIR", "/tmp"))  # noqa: S108 - there is nowhere else
    if sys.platform == "win32":
        return Path(env.get("LOCALAPPDATA") or home) / "cycletrace"
    if sys.platform == "darwin":
        return home / "Library" / "Application Support" / "cycletrace"
    return Path(env.get("XDG_STATE_HOME") or home / ".local" / "state") / "cycletrace"


def resource_attributes(env: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return ``OTEL_RESOURCE_ATTRIBUTES``: comma-separated, percent-encoded, as OpenTelemetry reads them."""
    text = environment.RESOURCE_ATTRIBUTES.read(os.environ if env is None else env)
    pairs = (item.partition("=") for item in text.split(",") if "=" in item)
    return {name.strip(): unquote(value.strip()) for name, _, value in pairs}
