"""Reading back the records in a state directory."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from cycletrace import conventions as c
from cycletrace._internal.journal.documents import Document, EventDocument, SpanDocument, parse
from cycletrace._internal.journal.files import list_journals
from cycletrace._internal.testing.clock import Clock
from cycletrace._internal.testing.tree import Node


class Journal:
    """The current records of a state directory, as documented in ``docs/architecture.md``."""

    def __init__(self, directory: Path, clock: Clock | None = None) -> None:
        self.directory = directory
        self.clock = clock or Clock()
        """The clock of a :func:`recording`."""

    def documents(self) -> list[Document]:
        """Return every line in the order of writing, one process after the other."""
        return [parse(line) for path in list_journals(self.directory) for line in path.read_bytes().splitlines()]

    def spans(self, name: str | None = None) -> list[SpanDocument]:
        """Return the spans of stages, waits, marks, aliases and outcomes, optionally only those with this name."""
        return [
            span for span in self._all_spans() if c.DERIVED not in span["attributes"] and name in {None, span["span"]}
        ]

    def roots(self) -> list[SpanDocument]:
        """Return the root spans that processes wrote for their cycles. They are no records."""
        return [span for span in self._all_spans() if c.DERIVED in span["attributes"]]

    def span(self, name: str) -> SpanDocument:
        """Return the only span with this name.

        Raises:
            LookupError: if there is none, or more than one.
        """
        found = self.spans(name)
        if len(found) != 1:
            raise LookupError(
                f"expected one span {name!r}, got {len(found)}. All spans: {', '.join(self.names()) or 'none'}."
            )
        return found[0]

    def events(self, name: str = c.STAGE_STARTED) -> list[EventDocument]:
        """Return the events with this name."""
        return [document for document in self.documents() if "event" in document and document["event"] == name]

    def names(self) -> list[str]:
        """Return the names of all spans, in the order in which they ended."""
        return [span["span"] for span in self.spans()]

    def outcomes(self) -> list[tuple[str, str]]:
        """Return the name and outcome of each ended stage, sorted."""
        return sorted((span["span"], span["attributes"][c.STAGE_OUTCOME]) for span in self._stages())

    def trees(self, key: str | None = None) -> list[Node]:
        """Return the ended top-level stages as trees, optionally only those of the cycle with this key."""
        children: dict[str | None, list[SpanDocument]] = {}
        for span in sorted(self._stages(), key=lambda span: (span["start"], span["span_id"])):
            if key in {None, span["attributes"].get(c.CYCLE_KEY)}:
                children.setdefault(span["attributes"].get(c.STAGE_PARENT), []).append(span)

        def node(span: SpanDocument) -> Node:
            inner = tuple(node(child) for child in children.get(span["span_id"], ()))
            return Node(span["span"], span["attributes"][c.STAGE_OUTCOME], inner)

        return [node(span) for span in children.get(None, [])]

    def _all_spans(self) -> Iterator[SpanDocument]:
        return (document for document in self.documents() if "span" in document)

    def _stages(self) -> list[SpanDocument]:
        stages = {span["span_id"]: span for span in self.spans() if c.STAGE_OUTCOME in span["attributes"]}
        return list(stages.values())
