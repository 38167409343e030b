"""Lines of a journal: one checksummed JSON document each, readable by people and by ``grep``.

A line is eight hex digits of CRC-32, a space, the document in UTF-8, and a newline. A truncated or damaged line affects
no other, because reading resumes at the next newline.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from zlib import crc32

VERSION = 1
"""The format's version, in the ``journal`` field of the first line of each file."""

MAX_LINE = 4 * 1024 * 1024
"""Maximum length of a line in bytes; a longer one is treated as damaged."""

_encode = json.JSONEncoder(ensure_ascii=True, check_circular=False, separators=(",", ":")).encode


def frame(document: Mapping[str, Any]) -> bytes:
    """Return the line for this document.

    Raises:
        TypeError: if JSON does not support a value.
    """
    return frame_text(_encode(document))


def frame_text(document: str) -> bytes:
    """Return the line for this document, which is already encoded as ASCII JSON."""
    body = document.encode("ascii")
    return b"%08x %b\n" % (crc32(body), body)


def unframe(line: bytes) -> dict[str, Any]:
    """Return the document in a line (with or without its newline).

    Raises:
        ValueError: if the line is truncated or damaged.
    """
    body = line[9:].rstrip(b"\n")
    if line[8:9] != b" " or len(line) > MAX_LINE:
        raise ValueError("no checksum before the document")
    if int(line[:8], 16) != crc32(body):
        raise ValueError("the checksum does not match")
    try:
        document = json.loads(body)
    except RecursionError:
        raise ValueError("the document is nested too deeply") from None
    if not isinstance(document, dict):
        raise ValueError("not a JSON object")  # noqa: TRY004 - readers handle all damage alike
    return document
