"""The cycle as the recording process sees it: its key, its id, and its attributes on every record."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from datetime import datetime, timezone
from functools import lru_cache
from hashlib import sha256
from typing import Any

from cycletrace import conventions as c
from cycletrace._internal import environment
from cycletrace._internal.diagnostics import warn_misuse
from cycletrace._internal.sdk.settings import resource_attributes
from cycletrace._internal.sdk.unnamed import find_name

MAX_TEXT = 1024
"""Maximum length of a key or name in characters; longer ones are cut, which is logged."""


class CycleRef:
    """A reference to a cycle, as records name it. Immutable; equal keys in a namespace mean the same cycle."""

    __slots__ = (
        "_fragments",
        "_text",
        "attributes",
        "cycle_id",
        "environment",
        "head",
        "key",
        "namespace",
        "root_id",
        "service",
        "trace_number",
        "words",
    )

    def __init__(
        self,
        key: str,
        *,
        namespace: str = "",
        model: str | None = None,
        version: str | None = None,
        domain: str | None = None,
        trigger: str | None = None,
        environment: str | None = None,
        implicit: bool = False,
    ) -> None:
        self.key = clean(key)
        self.namespace = clean(namespace)
        self.cycle_id = c.cycle_id(self.namespace, self.key)
        self.trace_number = int(self.cycle_id, 16)
        self.root_id = c.root_span_id(self.cycle_id)
        self.environment = clean(environment) if environment else None
        self.words = {
            "model": clean(model) if model else None,
            "version": clean(version) if version else None,
            "domain": clean(domain) if domain else None,
            "trigger": trigger,
        }
        attributes = {
            c.CYCLE_ID: self.cycle_id,
            c.CYCLE_KEY: self.key,
            c.CYCLE_NAMESPACE: self.namespace,
            c.CYCLE_TRIGGER: trigger,
            c.CYCLE_IMPLICIT: True if implicit else None,
            c.MODEL_NAME: self.words["model"],
            c.MODEL_DOMAIN: self.words["domain"],
            c.MODEL_VERSION: self.words["version"],
        }
        self.attributes: dict[str, Any] = {name: value for name, value in attributes.items() if value is not None}
        self.service = service_name() or self.words["model"] or "cycletrace"
        self._fragments: dict[object, str] = {}
        self._text: str | None = None
        of = {"trace_id": self.cycle_id, "service": self.service, "namespace": self.namespace}
        self.head = json.dumps(of, separators=(",", ":"))[1:-1]
        """The fields common to all documents of the cycle, as the inside of a JSON object."""

    def fragment(self, key: object, attributes: Callable[[], dict[str, Any]]) -> str:
        """Return these attributes and the cycle's as the inside of a JSON object, cached by ``key``."""
        text = self._fragments.get(key)
        if text is None:
            if len(self._fragments) >= 256:  # bounded: stage names may contain a loop counter
                self._fragments.clear()
            text = json.dumps({**attributes(), **self.attributes}, separators=(",", ":"))[1:-1]
            self._fragments[key] = text
        return text

    def to_text(self) -> str:
        """Return the cycle as a JSON object, the format of ``CYCLETRACE_CYCLE``."""
        if self._text is None:
            self._text = self._make_text()
        return self._text

    def _make_text(self) -> str:
        fields = {
            "key": self.key,
            **self.words,
            "namespace": self.namespace or None,
            "environment": self.environment,
            "implicit": True if c.CYCLE_IMPLICIT in self.attributes else None,
        }
        return json.dumps({name: value for name, value in fields.items() if value is not None}, separators=(",", ":"))


def from_text(text: str, namespace: str) -> CycleRef:
    """Return the cycle that ``CYCLETRACE_CYCLE`` names: the JSON object of :meth:`CycleRef.to_text`, or a plain key.

    A plain key of the form ``model@version`` also sets model and version.

    Raises:
        ValueError: if the text is neither.
    """
    text = text.strip()
    if not text.startswith("{"):
        return from_key(text, namespace)
    fields = json.loads(text)
    known = ("key", "model", "version", "domain", "trigger", "environment", "namespace")
    words = {name: fields[name] for name in known if fields.get(name) is not None}
    if not isinstance(words.get("key"), str) or not all(isinstance(word, str) for word in words.values()):
        raise ValueError("a JSON object must have a key, and its values must be strings")
    words.setdefault("namespace", namespace)
    return CycleRef(words.pop("key"), **words, implicit=fields.get("implicit") is True)


@lru_cache(maxsize=256)
def from_key(key: str, namespace: str) -> CycleRef:
    """Return the cycle with this key. A key ``model@version`` also sets model and version.

    Raises:
        ValueError: if the key is empty.
    """
    if not key:
        raise ValueError("the key must not be empty")
    model, separator, version = key.rpartition("@")
    if separator and model and version:
        return CycleRef(key, namespace=namespace, model=model, version=version)
    return CycleRef(key, namespace=namespace)


def new_key(model: str, now: int, short_id: str) -> str:
    """Return a new key for a cycle whose model has no version yet: ``model@<UTC start>-<short id>``."""
    start = datetime.fromtimestamp(now // 1_000_000_000, tz=timezone.utc)
    return f"{model}@{start:%Y%m%dT%H%M%SZ}-{short_id}"


def shared_key(model: str, shared_id: str, number: int = 0) -> str:
    """Return the key that all processes with this id compute: ``model@run-<digest>``.

    ``number`` counts the cycles of a model that a process names, from 1; 0 is for its implicit one.
    """
    digest = sha256(f"cycletrace.run\0{shared_id}".encode("utf-8", "replace")).hexdigest()[:12]
    return f"{model}@run-{digest}-{number}" if number else f"{model}@run-{digest}"


def implicit(namespace: str, now: int, short_id: str, shared_id: str | None, script: str | None) -> CycleRef:
    """Return the cycle of this run of the program, for stages that run outside any other.

    It is named after ``script``, by default that of this program.
    """
    model = service_name() or find_name(script)
    key = new_key(model, now, short_id) if shared_id is None else shared_key(model, shared_id)
    return CycleRef(key, namespace=namespace, model=model, implicit=True)


def service_name() -> str | None:
    """Return ``service.name`` as OpenTelemetry reads it from the environment."""
    return environment.SERVICE_NAME.read(os.environ) or resource_attributes().get(c.SERVICE_NAME) or None


def clean(text: object) -> str:
    """Return a value as valid UTF-8 of bounded length, which any backend accepts. Cutting it is logged.

    Numbers are accepted too, since versions are often given as such.
    """
    sound = str(text).encode("utf-8", "replace").decode("utf-8")
    if len(sound) > MAX_TEXT:
        warn_misuse("A name of %d characters was cut to %d: %r.", len(sound), MAX_TEXT, sound[:40])
        sound = sound[:MAX_TEXT]
    return sound
