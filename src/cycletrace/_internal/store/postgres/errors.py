"""Errors of PostgreSQL, each explained in one sentence that says what to do."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

from psycopg import errors

from cycletrace._internal.store.errors import StoreError
from cycletrace._internal.store.location import DatabaseUrl

_SENTENCES: tuple[tuple[tuple[type[errors.Error], ...], str], ...] = (
    (
        (errors.InsufficientPrivilege,),
        "The user of the database {url} lacks a right ({message}): grant it. The first start needs CREATE.",
    ),
    ((errors.DiskFull,), "The disk of the database {url} is full: make room, then try again."),
    (
        (errors.LockNotAvailable, errors.DeadlockDetected, errors.SerializationFailure, errors.QueryCanceled),
        "The database {url} is locked by another program: try again, or end that program.",
    ),
    ((errors.ReadOnlySqlTransaction,), "The database {url} can only be read: name the primary server."),
    (
        # Also what a server answers to whoever connects: only its words say what.
        (errors.OperationalError, errors.InterfaceError),
        "The database {url} cannot be used ({message}): correct the URL, or see to the server.",
    ),
)


@contextmanager
def explained(url: DatabaseUrl) -> Generator[None]:
    """Raise what the server, or the way to it, says as a :class:`StoreError`."""
    try:
        yield
    except errors.Error as error:
        raise StoreError(_sentence(url, error)) from error


def _sentence(url: DatabaseUrl, error: errors.Error) -> str:
    message = str(error).strip().partition("\n")[0].rpartition("FATAL:")[2].strip().rstrip(".")
    for kinds, sentence in _SENTENCES:
        if isinstance(error, kinds):
            return sentence.format(url=url, message=message)
    return f"The database {url} answered with an error ({message}): look into the server's log."
