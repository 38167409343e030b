"""A store, whichever database keeps it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType

from cycletrace._internal.store.location import Location
from cycletrace._internal.store.transaction import Snapshot, Transaction


class Store(ABC):
    """An open store. Used by one thread at a time; any number of processes may open the same one.

    All work happens within :meth:`write` or :meth:`read`, one at a time.
    """

    location: Location
    schema_version: int
    is_shared: bool
    """Whether several collectors may write it."""

    @abstractmethod
    def write(self) -> AbstractContextManager[Transaction]:
        """Begin a transaction: all that is done in the block is kept, or nothing. Only one writes at a time.

        Raises:
            StoreError: where the store cannot be written. If that is found out at the very end, all may have been kept.
        """

    @abstractmethod
    def read(self) -> AbstractContextManager[Snapshot]:
        """Begin to read: what others write during the block is not seen.

        Raises:
            StoreError: where the store cannot be read.
        """

    @abstractmethod
    def take_charge(self) -> None:
        """Try to be the one collector that folds and counts, until the connection is lost.

        Raises:
            StoreError: where the store cannot be reached.
        """

    @property
    @abstractmethod
    def term(self) -> int | None:
        """The number of the term for which this is in charge, ``None`` while it is not.

        Another term has another number: in between, another collector may have been in charge.
        """

    @abstractmethod
    def version(self) -> str:
        """Return a text that differs after each commit of another connection, also in another process.

        Raises:
            StoreError: where the store cannot be read.
        """

    @abstractmethod
    def is_current(self) -> bool:
        """Return whether this is still what its location names."""

    @abstractmethod
    def size(self) -> int:
        """Return the bytes that the store takes.

        Raises:
            StoreError: where the store cannot be read.
        """

    @abstractmethod
    def copy_into(self, target: Path) -> None:
        """Copy all that is in the store now into an empty file, while others may write the store.

        Raises:
            StoreError: where the store cannot be read, or the file cannot be written.
        """

    @abstractmethod
    def close(self) -> None:
        """Let go of the store."""

    def __enter__(self) -> Store:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
