"""Reading journals in tests, and running programs that write them."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from tests.blank import blank_environment

from cycletrace import conventions as c
from cycletrace.journal.files import list_journals
from cycletrace.journal.format import unframe


class Node(NamedTuple):
    """A stage with what it contains, in the order in which things began."""

    name: str
    outcome: str
    children: tuple[Node, ...] = ()


class Journal:
    """What lies in a state directory."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def documents(self) -> list[dict[str, Any]]:
        return [unframe(line) for path in list_journals(self.directory) for line in path.read_bytes().splitlines()]

    def spans(self, name: str | None = None) -> list[dict[str, Any]]:
        return [document for document in self.documents() if "span" in document and name in {None, document["span"]}]

    def span(self, name: str) -> dict[str, Any]:
        (span,) = self.spans(name)
        return span

    def events(self, name: str = c.STAGE_STARTED) -> list[dict[str, Any]]:
        return [document for document in self.documents() if document.get("event") == name]

    def names(self) -> list[str]:
        return [span["span"] for span in self.spans()]

    def outcomes(self) -> list[tuple[str, str]]:
        return sorted((span["span"], span["attributes"][c.STAGE_OUTCOME]) for span in self.spans())

    def trees(self) -> list[Node]:
        """The stages that are in no other, with those in them: whole trees, to be compared at once."""
        stages = {span["span_id"]: span for span in self.spans() if c.STAGE_OUTCOME in span["attributes"]}
        children: dict[str | None, list[dict[str, Any]]] = {}
        for span in sorted(stages.values(), key=lambda span: (span["start"], span["span_id"])):
            children.setdefault(span["attributes"].get(c.STAGE_PARENT), []).append(span)

        def node(span: dict[str, Any]) -> Node:
            inner = tuple(node(child) for child in children.get(span["span_id"], ()))
            return Node(span["span"], span["attributes"][c.STAGE_OUTCOME], inner)

        return [node(span) for span in children.get(None, [])]


class Clock:
    """A clock that stands still unless it is moved, for wall and steady time alike."""

    def __init__(self, now: int = 1_700_000_000_000_000_000) -> None:
        self.time = now

    def __call__(self) -> int:
        self.time += 1  # distinct instants keep the order in which things happened
        return self.time


def sequential_ids() -> Iterator[str]:
    return (f"{number:016x}" for number in itertools.count(1))


@contextmanager
def journal_here(directory: Path) -> Iterator[Journal]:
    """Record this process' stages in this directory, from a blank environment, until the block ends."""
    from cycletrace.emit import runtime, settings, told
    from cycletrace.emit.current import HERE, NOWHERE
    from cycletrace.emit.ids import Source

    before = dict(os.environ)
    for variable in os.environ.keys() - blank_environment().keys():
        del os.environ[variable]
    os.environ["CYCLETRACE_DIR"] = str(directory)
    settings.CHOSEN.clear()
    told._told.clear()
    HERE.set(NOWHERE)
    runtime.reset(Source())
    try:
        yield Journal(directory)
    finally:
        runtime.reset(Source())
        settings.CHOSEN.clear()
        HERE.set(NOWHERE)
        os.environ.clear()
        os.environ.update(before)


def environment(directory: Path, **variables: str) -> dict[str, str]:
    """The environment of a program of its own: nothing of ours or OpenTelemetry's in it but these."""
    env = blank_environment()
    return {**env, "CYCLETRACE_DIR": str(directory), "PYTHONWARNINGS": "default", **variables}


def run_script(script: str, directory: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run this Python text in a process of its own, to its end."""
    return subprocess.run(
        [sys.executable, "-c", script, *arguments],
        env=environment(directory, **variables),
        cwd=directory.parent,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
