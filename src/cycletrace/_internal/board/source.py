"""The store behind the board, opened anew whenever its file is another one, and watched for changes."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager

from cycletrace._internal.flow import Rules
from cycletrace._internal.store import Location, Snapshot, Store, open_reader


def _rules_of_store(snapshot: Snapshot) -> Rules:
    return snapshot.settings().rules


def _nothing() -> None:
    pass


class Source:
    """A store that others write. It is only read here. Used by one thread at a time."""

    def __init__(
        self,
        location: Location,
        bring_up: Callable[[], None] = _nothing,
        rules: Callable[[Snapshot], Rules] = _rules_of_store,
    ) -> None:
        """Name the store; nothing is opened yet.

        Args:
            location: Where it is.
            bring_up: Brings the store up to date, such as from journals. Called before each look for changes.
            rules: Returns what to fold by.
        """
        self.rules = rules
        self._location = location
        self._bring_up = bring_up
        self._reader: Store | None = None
        self._opened = 0

    def version(self) -> tuple[int, str]:
        """Return what differs after each change of the store.

        Raises:
            StoreError: if the store cannot be read.
        """
        self._bring_up()
        reader = self._open()
        return self._opened, reader.version()

    @contextmanager
    def read(self) -> Generator[Snapshot]:
        """Read the store as it is now.

        Raises:
            StoreError: if the store cannot be read.
        """
        with self._open().read() as snapshot:
            yield snapshot

    def close(self) -> None:
        """Let go of the store; the next look opens it anew."""
        if self._reader is not None:
            self._reader.close()
            self._reader = None

    def _open(self) -> Store:
        if self._reader is not None and not self._reader.is_current():
            self.close()
        if self._reader is None:
            self._reader = open_reader(self._location)
            self._opened += 1
        return self._reader
