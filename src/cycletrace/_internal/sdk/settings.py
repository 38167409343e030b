"""Settings, from the environment and from ``configure``.

An invalid value is logged once, with the variable, the value and what is allowed, and the default is used.
``docs/environment.md`` lists every variable.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple, TypeVar
from urllib.parse import unquote

from cycletrace._internal.diagnostics import warn_misuse
from cycletrace._internal.otlp.urls import quote_harmless
from cycletrace.conventions import LAUNCHES, SERVICE_NAMESPACE

T = TypeVar("T")

PEOPLE_MODES = ("pseudonyms", "names", "none")


class Settings(NamedTuple):
    """All settings. ``None`` means not set."""

    directory: Path
    namespace: str = ""
    endpoint: str | None = None
    """Base URL of an OTLP endpoint for cycletrace alone; otherwise ``OTEL_EXPORTER_OTLP_*`` apply."""
    is_disabled: bool = False
    is_strict: bool = False
    is_propagating: bool = True
    launch: str | None = None
    people: str = "pseudonyms"
    people_key: str = ""
    journal_limit: int = 1 << 30
    """Maximum total size in bytes of the journals in a directory."""
    span_processors: tuple[Any, ...] = ()


CHOSEN: dict[str, Any] = {}
"""Arguments of ``configure``, by field of :class:`Settings`. They take precedence over the environment."""


def read(environment: Mapping[str, str] | None = None) -> Settings:
    """Return the current settings."""
    env = os.environ if environment is None else environment
    settings = Settings(
        directory=directory(env),
        namespace=_namespace(env),
        endpoint=_value(env, "CYCLETRACE_ENDPOINT", None, _url, "an http:// or https:// URL", is_secret=True),
        is_disabled=_flag(env, "CYCLETRACE_DISABLED"),
        is_strict=_flag(env, "CYCLETRACE_STRICT"),
        is_propagating=not _flag(env, "CYCLETRACE_NO_PROPAGATE"),
        launch=_value(env, "CYCLETRACE_LAUNCH", None, _one_of(LAUNCHES), f"one of {', '.join(LAUNCHES)}"),
        people=_value(
            env, "CYCLETRACE_PEOPLE", "pseudonyms", _one_of(PEOPLE_MODES), f"one of {', '.join(PEOPLE_MODES)}"
        ),
        people_key=env.get("CYCLETRACE_PEOPLE_KEY", ""),
        journal_limit=_value(env, "CYCLETRACE_JOURNAL_LIMIT", 1 << 30, _bytes, "a number of bytes, at least 1000000"),
    )
    return settings._replace(**{**CHOSEN, "directory": settings.directory})


def directory(env: Mapping[str, str] | None = None) -> Path:
    """Return the state directory, absolute: ``CYCLETRACE_DIR``, else the user's own for this platform."""
    env = os.environ if env is None else env
    chosen = CHOSEN.get("directory") or env.get("CYCLETRACE_DIR")
    try:
        path = Path(chosen).expanduser() if chosen else _default_directory(env)
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


def _namespace(env: Mapping[str, str]) -> str:
    given = env.get("CYCLETRACE_NAMESPACE")
    return resource_attributes(env).get(SERVICE_NAMESPACE, "") if given is None else given


def resource_attributes(env: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return ``OTEL_RESOURCE_ATTRIBUTES``: comma-separated, percent-encoded, as OpenTelemetry reads them."""
    env = os.environ if env is None else env
    pairs = (item.partition("=") for item in env.get("OTEL_RESOURCE_ATTRIBUTES", "").split(",") if "=" in item)
    return {name.strip(): unquote(value.strip()) for name, _, value in pairs}


def _flag(env: Mapping[str, str], variable: str) -> bool:
    return _value(env, variable, default=False, parse=_boolean, allowed="one of 1, true, 0, false")


def _value(
    env: Mapping[str, str],
    variable: str,
    default: T,
    parse: Callable[[str], T],
    allowed: str,
    *,
    is_secret: bool = False,
) -> T:
    text = env.get(variable, "")
    if not text:
        return default
    try:
        return parse(text)
    except ValueError:
        instead = "It is ignored" if default is None else f"Using {default!r}"
        shown = quote_harmless(text) if is_secret else repr(text)
        warn_misuse("%s must be %s, got %s. %s.", variable, allowed, shown, instead)
        return default


def _boolean(text: str) -> bool:
    words = {"1": True, "true": True, "yes": True, "on": True, "0": False, "false": False, "no": False, "off": False}
    try:
        return words[text.strip().lower()]
    except KeyError:
        raise ValueError(text) from None


def _one_of(words: tuple[str, ...]) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if text not in words:
            raise ValueError(text)
        return text

    return parse


def _url(text: str) -> str:
    if not text.startswith(("http://", "https://")):
        raise ValueError(text)
    return text


def _bytes(text: str) -> int:
    size = int(text)
    if size < 1_000_000:
        raise ValueError(text)
    return size
