"""What was recorded in a state directory, by this process or by others, read back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from cycletrace import conventions as c
from cycletrace.journal.files import list_journals
from cycletrace.journal.format import unframe
from cycletrace.testing.clock import Clock
from cycletrace.testing.tree import Node


class Journal:
    """What lies in a state directory now. Documents are as ``docs/architecture.md`` tells them."""

    def __init__(self, directory: Path, clock: Clock | None = None) -> None:
        self.directory = directory
        self.clock = clock or Clock()
        """The clock of a :func:`~cycletrace.testing.recording`."""

    def documents(self) -> list[dict[str, Any]]:
        """Every line, in the order in which it was written, one process after the other."""
        return [unframe(line) for path in list_journals(self.directory) for line in path.read_bytes().splitlines()]

    def spans(self, name: str | None = None) -> list[dict[str, Any]]:
        """What ended: stages, waits, marks, aliases and outcomes; of this name only where one is given."""
        return [document for document in self.documents() if "span" in document and name in {None, document["span"]}]

    def span(self, name: str) -> dict[str, Any]:
        """The one span of this name.

        Raises:
            LookupError: where there is none, or more than one.
        """
        found = self.spans(name)
        if len(found) != 1:
            raise LookupError(f"There are {len(found)} spans {name!r}. All are: {', '.join(self.names()) or 'none'}.")
        return found[0]

    def events(self, name: str = c.STAGE_STARTED) -> list[dict[str, Any]]:
        """The events of this name."""
        return [document for document in self.documents() if document.get("event") == name]

    def names(self) -> list[str]:
        """The names of all spans, in the order in which they ended."""
        return [span["span"] for span in self.spans()]

    def outcomes(self) -> list[tuple[str, str]]:
        """Name and outcome of each stage that ended, sorted."""
        return sorted((span["span"], span["attributes"][c.STAGE_OUTCOME]) for span in self._stages())

    def trees(self, key: str | None = None) -> list[Node]:
        """The stages that ended and are in no other, with those inside them; of this cycle only where one is given."""
        children: dict[str | None, list[dict[str, Any]]] = {}
        for span in sorted(self._stages(), key=lambda span: (span["start"], span["span_id"])):
            if key in {None, span["attributes"].get(c.CYCLE_KEY)}:
                children.setdefault(span["attributes"].get(c.STAGE_PARENT), []).append(span)

        def node(span: dict[str, Any]) -> Node:
            inner = tuple(node(child) for child in children.get(span["span_id"], ()))
            return Node(span["span"], span["attributes"][c.STAGE_OUTCOME], inner)

        return [node(span) for span in children.get(None, [])]

    def _stages(self) -> list[dict[str, Any]]:
        stages = {span["span_id"]: span for span in self.spans() if c.STAGE_OUTCOME in span["attributes"]}
        return list(stages.values())
