"""The connections of the gRPC server, which bounds their number but does not know whose they are."""

from __future__ import annotations

import asyncio
import os
import socket
from collections import defaultdict
from collections.abc import Generator, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from cycletrace._internal.peers import network_of
from cycletrace._internal.web_server import most_connections

_FILES = Path("/dev/fd")
"""Where this process finds its open files; nowhere on Windows."""
_PAUSE = 1.0
"""Seconds between looks at the connections."""


async def keep_sharing(port: int) -> None:
    """Close connections to a port, forever, so that no address has more of them than it leaves to others."""
    most = most_connections()
    while True:
        if len(_files()) > most // 2:  # else nobody has too many
            share(port, most)
        await asyncio.sleep(_PAUSE)


def share(port: int, most: int) -> None:
    """Close connections to a port of this process where an address has more of them than it leaves of ``most``."""
    by_address: dict[str, list[int]] = defaultdict(list)
    for number, address in _connections(port):
        by_address[address].append(number)
    free = most - sum(map(len, by_address.values()))
    for numbers in sorted(by_address.values(), key=len, reverse=True):
        while len(numbers) > free + 1:
            _shut(numbers.pop(0), port)
            free += 1


def _files() -> list[int]:
    try:
        return sorted(int(path.name) for path in _FILES.iterdir())
    except OSError:
        return []


def _connections(port: int) -> Iterator[tuple[int, str]]:
    """Yield the file and the address of each connection to a port."""
    for number in _files():
        with suppress(OSError), _opened(number) as connection:
            if _is_of(port, connection):
                yield number, network_of(connection.getpeername()[0])


def _shut(number: int, port: int) -> None:
    """Have both sides see the end of a connection to this port: gRPC then closes the file itself."""
    with suppress(OSError), _opened(number) as connection:
        if _is_of(port, connection):  # the number may be that of another file by now
            connection.shutdown(socket.SHUT_RDWR)


def _is_of(port: int, connection: socket.socket) -> bool:
    return connection.family in {socket.AF_INET, socket.AF_INET6} and connection.getsockname()[1] == port


@contextmanager
def _opened(number: int) -> Generator[socket.socket]:
    """Provide the socket of a file of this process.

    Raises:
        OSError: if it is not a socket.
    """
    copy = os.dup(number)
    try:
        connection = socket.socket(fileno=copy)
    except OSError:
        os.close(copy)
        raise
    with connection:
        yield connection
