"""Pages that are kept as long as nothing changed, so that a look costs hardly anything."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from http import HTTPStatus
from secrets import token_hex
from typing import NamedTuple

from cycletrace._internal.board.frame import in_frame
from cycletrace._internal.board.selection import Selection
from cycletrace._internal.board.source import Source
from cycletrace._internal.board.views import View, cycle_view, message_view, report_view, to_bytes
from cycletrace._internal.flow import Facts
from cycletrace._internal.report.document import Content
from cycletrace._internal.report.sections import Linked, no_link
from cycletrace._internal.store import Snapshot, StoreError

LOOK = 0.5
"""Seconds between two looks for changes, however many ask."""
OLDEST = 60.0
"""Seconds after which a page is made anew though nothing changed: it states how long cycles have been open."""
BUSY_SHARE, IDLE_SHARE = 0.25, 0.01
"""Of one core's time that making pages may take: where the store keeps changing, and for ages alone."""
MOST_BYTES = 64 << 20
"""Bytes of the pages that are kept."""


class Answer(NamedTuple):
    """A page as it is sent, and the same as JSON.

    ``etag`` identifies its state; it is ``None`` for a page that only explains something.
    """

    status: HTTPStatus
    html: bytes
    json: bytes
    etag: str | None


class NotKeptError(Exception):
    """No page is kept that could be shown at once."""


class _Kept(NamedTuple):
    answer: Answer
    version: tuple[int, str]
    made: float
    took: float

    def size(self) -> int:
        """Return the bytes that this takes."""
        return len(self.answer.html) + len(self.answer.json)


class Board:
    """The pages of a store. Any thread may look; one at a time reads the store."""

    def __init__(self, source: Source, linked: Linked = no_link) -> None:
        self._source = source
        self._linked = linked
        self._lock = threading.Lock()
        self._kept: OrderedDict[Selection, _Kept] = OrderedDict()
        self._looked = float("-inf")
        self._version: tuple[int, str] | StoreError = (0, "")
        self._rests_until = float("-inf")
        self._is_closing = False

    def recall(self, selection: Selection) -> Answer:
        """Return a kept page without reading the store: one that is current, or the last one while that is read.

        Raises:
            NotKeptError: if there is none; :meth:`look` may take a while.
        """
        kept = self._kept.get(selection)
        if kept is None or not (self._lock.locked() or self._is_current(selection, kept)):
            raise NotKeptError
        return kept.answer

    def look(self, selection: Selection) -> Answer:
        """Return the page of a selection as the store is now; for a while after one took long, the one before."""
        with self._lock:
            version = self._look_for_changes()
            if isinstance(version, StoreError):
                return failure(str(version), selection)
            kept = self._kept.get(selection)
            if kept is None or (kept.version != version and time.monotonic() >= self._rests_until):
                return self._make(selection, version)
            self._kept.move_to_end(selection)
            return kept.answer

    def is_aged(self, selection: Selection) -> bool:
        """Return whether a kept page should be made anew although nothing changed."""
        kept = self._kept.get(selection)
        return kept is not None and time.monotonic() > kept.made + max(OLDEST, kept.took / IDLE_SHARE)

    def renew(self, selection: Selection) -> None:
        """Make an aged page anew."""
        with self._lock:
            version = self._look_for_changes()
            if self.is_aged(selection) and not isinstance(version, StoreError):
                self._make(selection, version)

    def close(self) -> None:
        """End also what is being made, and let go of the store."""
        self._is_closing = True
        with self._lock:
            self._source.close()

    def _is_current(self, selection: Selection, kept: _Kept) -> bool:
        return kept.version == self._version and time.monotonic() < self._looked + LOOK and not self.is_aged(selection)

    def _look_for_changes(self) -> tuple[int, str] | StoreError:
        if time.monotonic() >= self._looked + LOOK:
            try:
                self._version = self._source.version()
            except StoreError as error:
                self._source.close()
                self._version = error
            self._looked = time.monotonic()
        return self._version

    def _make(self, selection: Selection, version: tuple[int, str]) -> Answer:
        began = time.monotonic()
        try:
            with self._source.read() as snapshot:
                view = self._view(snapshot, selection, time.time_ns())
        except StoreError as error:
            self._source.close()
            return failure(str(error), selection)
        answer = _answer(view, selection, token_hex(8))
        made = time.monotonic()
        self._rests_until = made + (made - began) * (1 / BUSY_SHARE - 1)
        self._kept[selection] = _Kept(answer, version, made, made - began)
        self._kept.move_to_end(selection)
        while len(self._kept) > 1 and sum(kept.size() for kept in self._kept.values()) > MOST_BYTES:
            self._kept.popitem(last=False)
        return answer

    def _view(self, snapshot: Snapshot, selection: Selection, now: int) -> View:
        rules = self._source.rules(snapshot)
        if selection.cycle is not None:
            found = snapshot.facts(now, cycle=selection.cycle, namespace=selection.namespace, rules=rules)
            return cycle_view(list(found), selection, self._linked)
        target = snapshot.settings().targets.of(selection.namespace, selection.model)
        facts = self._unless_closing(snapshot.facts(now, rules=rules))
        return report_view(facts, selection, now, target, snapshot.count_later(now), self._linked)

    def _unless_closing(self, facts: Iterable[Facts]) -> Iterator[Facts]:
        for one in facts:
            if self._is_closing:
                raise StoreError("The board is shutting down.")
            yield one


def failure(
    sentence: Content,
    selection: Selection,
    status: HTTPStatus = HTTPStatus.SERVICE_UNAVAILABLE,
    title: str = "The store cannot be read",
) -> Answer:
    """Return a page that explains why there is no other."""
    return _answer(message_view(status, title, sentence), selection, None)


def _answer(view: View, selection: Selection, etag: str | None) -> Answer:
    """Return a view as it is sent. The script runs where the page may change or become readable."""
    etag = etag if view.status is HTTPStatus.OK else None
    version = "" if view.status is HTTPStatus.SERVICE_UNAVAILABLE else etag
    return Answer(view.status, in_frame(view.page, selection, view.names, version), to_bytes(view.document), etag)
