"""Reading journals, from where that was left off. Nothing in a journal can stop it.

A journal's name is its identity: it may grow, move to the folder of delivered ones, or vanish at any moment.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from cycletrace._internal.flow import Record
from cycletrace._internal.journal.files import delivered_directory, list_journals, next_segment, read_header
from cycletrace._internal.journal.format import MAX_LINE, VERSION, unframe
from cycletrace._internal.store.decode import Rejected, decode_event, decode_span
from cycletrace._internal.store.rejections import Rejection, rejection
from cycletrace._internal.store.sources import Source
from cycletrace._internal.store.store import Store
from cycletrace.conventions import SERVICE_NAMESPACE

_BATCH = 1000
"""Lines in one transaction: few enough that others who write the store wait for no more than a moment."""


class Ingested(NamedTuple):
    """What came of reading journals."""

    new: int
    """Records that were not known before."""
    damaged: int
    """Lines that were torn or damaged."""
    rejected: int
    """Records that cannot be used, and were not found before."""
    unreadable: tuple[str, ...]
    """Journals of a format that this version does not know, each reported once."""


Counted = Callable[[Iterable[Path]], Iterable[Path]]
"""Passes journals on, one after the other as they are read, to show progress."""


def ingest(store: Store, directory: Path, counted: Counted = iter) -> Ingested:
    """Add all that the journals of a state directory hold and the store has not read yet.

    Each batch is kept together with how far it was read, so that whoever is killed or comes second reads nothing twice.

    Raises:
        StoreError: where the store cannot be written.
    """
    journals = list_journals(directory)
    with store.read() as snapshot:
        known = snapshot.sources()
    total = Ingested(0, 0, 0, ())
    for path in counted(journals):
        source = known.get(path.name, Source(path.name))
        with suppress(OSError):  # it vanished: whoever removed it delivered it, or counted what it dropped
            if source.unknown_format in {None, VERSION} and path.stat().st_size != source.position:
                total = _sum(total, _ingest_journal(store, path))
    vanished = known.keys() - {path.name for path in journals}
    if vanished:
        with store.write() as tx:
            tx.forget_sources(sorted(vanished))
    return total


def _sum(one: Ingested, other: Ingested) -> Ingested:
    return Ingested(
        one.new + other.new,
        one.damaged + other.damaged,
        one.rejected + other.rejected,
        one.unreadable + other.unreadable,
    )


def _ingest_journal(store: Store, path: Path) -> Ingested:
    total = Ingested(0, 0, 0, ())
    resource = _resource(path)
    with path.open("rb") as file:
        is_left = True
        while is_left:
            with store.write() as tx:
                before = tx.source(path.name)
                if os.fstat(file.fileno()).st_size < before.position:
                    # It was cut or replaced: what is known already changes nothing.
                    before = before._replace(position=0)
                batch = _Batch(file, before, resource, is_ended=_is_ended(path))
                added = tx.add(batch.records, time.time_ns())
                rejected = tx.reject(time.time_ns(), batch.rejected)
                after = batch.after()
                if after != before:
                    tx.save_source(after)
            is_left = after.position > before.position and after.unknown_format is None
            total = _sum(
                total,
                Ingested(
                    added.new,
                    after.damaged - before.damaged,
                    len(rejected) + added.rejected,
                    (path.name,) if after.unknown_format is not None else (),
                ),
            )
    return total


def _is_ended(path: Path) -> bool:
    """Return whether nobody will write to this journal any more, so that a torn last line stays torn."""
    following = next_segment(path.name)
    delivered = delivered_directory(path.parent.parent)
    return path.parent.name == delivered.name or (path.parent / following).exists() or (delivered / following).exists()


class _Batch:
    """The next lines of a journal and what they hold."""

    def __init__(self, file: BinaryIO, source: Source, resource: Mapping[str, object], *, is_ended: bool) -> None:
        self.records: list[Record] = []
        self._resource = resource
        self.rejected: list[Rejection] = []
        self._source = source
        self._damaged = 0
        self._unknown_format: int | None = None
        file.seek(source.position)
        for line in self._lines(file, is_ended=is_ended):
            if not self._take(line):
                break

    def after(self) -> Source:
        """Return how far the journal is read with this batch."""
        name, _, damaged, _ = self._source
        return Source(name, self._position, damaged + self._damaged, self._unknown_format)

    def _lines(self, file: BinaryIO, *, is_ended: bool) -> Iterator[bytes]:
        """Yield whole lines; the last one also without its newline, where nobody will add it."""
        self._position = file.tell()
        for _ in range(_BATCH):
            line = file.readline(MAX_LINE)
            if not line.endswith(b"\n"):
                if len(line) == MAX_LINE:
                    line = self._skip_line(file, is_ended=is_ended)
                if not line or not (is_ended or line.endswith(b"\n")):
                    return
            self._position = file.tell()
            yield line

    @staticmethod
    def _skip_line(file: BinaryIO, *, is_ended: bool) -> bytes:
        """Pass over the rest of a line that is too long to be one. Return nothing where its end is not there yet."""
        while line := file.readline(MAX_LINE):
            if line.endswith(b"\n"):
                return b"too long\n"
        return b"too long\n" if is_ended else b""

    def _take(self, line: bytes) -> bool:
        """Decode a line. Return whether the rest of the journal can be read."""
        written = line.lstrip(b"\0")  # a machine that lost power leaves zeros where lines were
        self._damaged += len(written) < len(line)
        if not written.strip():
            return True
        try:
            document = unframe(written)
        except (ValueError, RecursionError):
            self._damaged += 1
            return True
        version = document.get("journal", VERSION)
        if version != VERSION and self._source.position == 0:
            self._unknown_format = version if isinstance(version, int) else -1
            return False
        try:
            record = decode_document(document, self._resource)
        except Rejected as error:
            self.rejected.append(rejection(str(error), written))
        else:
            if record is not None:
                self.records.append(record)
        return True


def _resource(path: Path) -> Mapping[str, object]:
    """Return the resource attributes of the process that wrote a journal."""
    header = None
    with suppress(RecursionError):
        header = read_header(path)
    resource = header.get("resource") if header is not None else None
    return resource if isinstance(resource, dict) else {}


def decode_document(document: Mapping[str, Any], writer: Mapping[str, object]) -> Record | None:
    """Return the record that a document holds; ``None`` where it is of another kind.

    ``writer`` holds the resource attributes of the process that wrote it.

    Raises:
        Rejected: if it is a record that cannot be used.
    """
    attributes = document.get("attributes")
    if not isinstance(attributes, dict):
        if "span" in document or "event" in document:
            raise Rejected("attributes are missing")
        return None
    resource = {**writer, SERVICE_NAMESPACE: document.get("namespace")}
    if "event" in document:
        return decode_event(str(document["event"]), attributes, document.get("time"), resource=resource)
    return decode_span(
        document.get("span"),
        document.get("span_id"),
        attributes,
        document.get("start"),
        document.get("end"),
        is_error=document.get("error") is not None,
        resource=resource,
    )
