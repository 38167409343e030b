"""What a cycle is to the process that works on it: its key, its id, what is told of it on every record."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from datetime import datetime, timezone
from functools import lru_cache
from pathlib import Path
from typing import Any

from cycletrace import conventions as c
from cycletrace.diagnostics import warn_misuse
from cycletrace.emit.settings import resource_attributes

MAX_TEXT = 1024
"""Characters of a key, a name or any other word of ours; longer ones are cut, which is told."""


class CycleRef:
    """A cycle as its records name it. Immutable; equal keys in one namespace are the same cycle."""

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
        """What every document of the cycle says, as the inside of a JSON object."""

    def fragment(self, key: object, attributes: Callable[[], dict[str, Any]]) -> str:
        """These attributes and the cycle's own as the inside of a JSON object, made once per ``key``."""
        text = self._fragments.get(key)
        if text is None:
            if len(self._fragments) >= 256:  # bounded: names of stages may hold a loop's counter
                self._fragments.clear()
            text = json.dumps({**attributes(), **self.attributes}, separators=(",", ":"))[1:-1]
            self._fragments[key] = text
        return text

    def to_text(self) -> str:
        """The form in which a cycle travels in ``CYCLETRACE_CYCLE``: a JSON object."""
        if self._text is None:
            self._text = self._make_text()
        return self._text

    def _make_text(self) -> str:
        said = {
            "key": self.key,
            **self.words,
            "namespace": self.namespace or None,
            "environment": self.environment,
            "implicit": True if c.CYCLE_IMPLICIT in self.attributes else None,
        }
        return json.dumps({name: value for name, value in said.items() if value is not None}, separators=(",", ":"))


def from_text(text: str, namespace: str) -> CycleRef:
    """The cycle that ``CYCLETRACE_CYCLE`` names: the JSON object of :meth:`CycleRef.to_text`, or a plain key.

    A plain key of the form ``model@version`` names model and version, too.

    Raises:
        ValueError: where the text is neither.
    """
    text = text.strip()
    if not text.startswith("{"):
        return from_key(text, namespace)
    said = json.loads(text)
    known = ("key", "model", "version", "domain", "trigger", "environment", "namespace")
    words = {name: said[name] for name in known if said.get(name) is not None}
    if not isinstance(words.get("key"), str) or not all(isinstance(word, str) for word in words.values()):
        raise ValueError("a JSON object needs a key, and its values are texts")
    words.setdefault("namespace", namespace)
    return CycleRef(words.pop("key"), **words, implicit=said.get("implicit") is True)


@lru_cache(maxsize=256)
def from_key(key: str, namespace: str) -> CycleRef:
    """The cycle with this key. ``model@version`` names model and version, too.

    Raises:
        ValueError: where the key is empty.
    """
    if not key:
        raise ValueError("a key needs at least one character")
    model, separator, version = key.rpartition("@")
    if separator and model and version:
        return CycleRef(key, namespace=namespace, model=model, version=version)
    return CycleRef(key, namespace=namespace)


def new_key(model: str, now: int, short_id: str) -> str:
    """The key of a cycle of a model that has no version yet: ``model@<UTC start>-<short id>``, new each time."""
    start = datetime.fromtimestamp(now // 1_000_000_000, tz=timezone.utc)
    return f"{model}@{start:%Y%m%dT%H%M%SZ}-{short_id}"


def implicit(namespace: str, now: int, short_id: str) -> CycleRef:
    """The cycle of this run of the program, for stages that run outside any."""
    model = service_name() or script_name()
    return CycleRef(new_key(model, now, short_id), namespace=namespace, model=model, implicit=True)


def service_name() -> str | None:
    """``service.name`` as OpenTelemetry reads it from the environment."""
    return os.environ.get("OTEL_SERVICE_NAME") or resource_attributes().get(c.SERVICE_NAME) or None


def script_name() -> str:
    """What runs, in a word: the script's name, the package's of ``python -m``."""
    if "ipykernel" in sys.modules:
        return "notebook"
    script = Path(sys.argv[0] if sys.argv else "")
    name = script.parent.name if script.stem == "__main__" else script.stem
    return name if name and not name.startswith("-") else "python"


def clean(text: object) -> str:
    """A text that any backend takes: valid UTF-8, of bounded length. What is changed is told.

    Also of a number: versions come as such, and a record with a text is better than none.
    """
    sound = str(text).encode("utf-8", "replace").decode("utf-8")
    if len(sound) > MAX_TEXT:
        warn_misuse("A name of %d characters was cut to %d: %r.", len(sound), MAX_TEXT, sound[:40])
        sound = sound[:MAX_TEXT]
    return sound
