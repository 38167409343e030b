"""Undoing compression without trusting it: what comes out is bounded, whatever goes in."""

from __future__ import annotations

import zlib

GZIP = "gzip"
DEFLATE = "deflate"
CODINGS = (GZIP, DEFLATE)

_MAX_MEMBERS = 64
"""Members of a gzip stream that are read: each costs a copy of the rest, so millions of empty ones would be a hang."""

_WINDOW = {GZIP: 16 + zlib.MAX_WBITS, DEFLATE: zlib.MAX_WBITS}


class TooLargeError(ValueError):
    """The content is larger than the limit."""


def decompress(data: bytes, coding: str, limit: int) -> bytes:
    """The content of a gzip (one or several members) or zlib stream.

    Raises:
        TooLargeError: where it is more than ``limit`` bytes.
        ValueError: where the stream is damaged or cut off.
    """
    pieces: list[bytes] = []
    size = 0
    while data or not pieces:
        if len(pieces) == _MAX_MEMBERS:
            raise ValueError(f"the {coding} stream has more than {_MAX_MEMBERS} members")
        stream = zlib.decompressobj(_WINDOW[coding])
        try:
            piece = stream.decompress(data, limit - size + 1)
        except zlib.error as error:
            raise ValueError(f"the {coding} stream is damaged: {error}") from error
        size += len(piece)
        if size > limit:
            raise TooLargeError(f"the content is larger than {limit} bytes")
        if not stream.eof:
            raise ValueError(f"the {coding} stream is cut off")
        pieces.append(piece)
        data = stream.unused_data if coding == GZIP else b""
    return b"".join(pieces)


def coding_of(data: bytes) -> str | None:
    """The compression of an OTLP message, told by its first bytes; ``None`` where it is not compressed.

    An OTLP request is empty or begins with the tag of its only field, 0x0a. gRPC takes the name of the coding out of
    the metadata before a handler sees it.
    """
    if data[:2] == b"\x1f\x8b":
        return GZIP
    if data[:1] == b"\x78":
        return DEFLATE
    return None
