"""gRPC as bytes on a socket, from an address of choice: what no client library sends."""

from __future__ import annotations

import socket
import struct

from tests.collector.sinks import SERVICES

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
HEADERS, RST_STREAM, SETTINGS = 1, 3, 4
END_HEADERS = 4
OTHER = "127.0.0.2"
"""An address of this machine that is not the one from which others send."""


def frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload


def begun(stream: int) -> bytes:
    """The headers of an export, without its message."""
    return frame(HEADERS, END_HEADERS, stream, _BLOCK)


def connection(port: int, *frames: bytes, source: str = OTHER) -> socket.socket:
    """A connection that has sent these frames."""
    opened = socket.create_connection(("127.0.0.1", port), timeout=30, source_address=(source, 0))
    opened.sendall(PREFACE + frame(SETTINGS, 0, 0) + b"".join(frames))
    return opened


def _literal(name: bytes, value: bytes) -> bytes:
    """A header as HPACK writes it that is in no table."""
    return b"\0" + bytes([len(name)]) + name + bytes([len(value)]) + value


_BLOCK = b"".join(
    _literal(name, value)
    for name, value in (
        (b":method", b"POST"),
        (b":scheme", b"http"),
        (b":path", f"/{SERVICES['traces']}/Export".encode()),
        (b":authority", b"localhost"),
        (b"content-type", b"application/grpc"),
        (b"te", b"trailers"),
    )
)
