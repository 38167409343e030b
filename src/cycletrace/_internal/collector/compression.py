"""Decompression of untrusted data: the size of the result is bounded."""

from __future__ import annotations

import zlib

GZIP = "gzip"
DEFLATE = "deflate"
CODINGS = (GZIP, DEFLATE)

_MAX_MEMBERS = 64
"""Most members of a gzip stream: each costs a copy of the rest, so millions of empty ones would block the process."""

_WINDOW = {GZIP: 16 + zlib.MAX_WBITS, DEFLATE: zlib.MAX_WBITS}


class TooLargeError(ValueError):
    """The content is larger than the limit."""


def decompress(data: bytes, coding: str, limit: int) -> bytes:
    """Return the content of a gzip (one or several members) or zlib stream.

    Raises:
        TooLargeError: where it is more than ``limit`` bytes.
        ValueError: where the stream is damaged or truncated.
    """
    pieces: list[bytes] = []
    size = 0
    while data or not pieces:
        if len(pieces) == _MAX_MEMBERS:
            raise ValueError(f"the {coding} stream has more than {_MAX_MEMBERS} members: send one")
        stream = zlib.decompressobj(_WINDOW[coding])
        try:
            piece = stream.decompress(data, limit - size + 1)
        except zlib.error as error:
            raise ValueError(f"the {coding} stream is damaged: {error}") from error
        size += len(piece)
        if size > limit:
            raise TooLargeError(f"the content is larger than {limit} bytes")
        if not stream.eof:
            raise ValueError(f"the {coding} stream is truncated")
        pieces.append(piece)
        data = stream.unused_data if coding == GZIP else b""
    return b"".join(pieces)


def coding_of(data: bytes) -> str | None:
    """Return the compression of an OTLP message, judged by its first bytes; ``None`` if it is not compressed.

    An OTLP request is empty or begins with the tag of its only field, 0x0a. gRPC removes the name of the coding from
    the metadata before a handler sees it.
    """
    if data[:2] == b"\x1f\x8b":
        return GZIP
    if data[:1] == b"\x78":
        return DEFLATE
    return None
