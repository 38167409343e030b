"""Requests of OTLP in JSON, one a line, as the file exporter of OpenTelemetry's Collector writes them.

Source: https://opentelemetry.io/docs/specs/otel/protocol/file-exporter/
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator, Sequence
from hashlib import sha256
from typing import BinaryIO, cast

from cycletrace._internal.collector import reading
from cycletrace._internal.flow import Record
from cycletrace._internal.flow.records import began
from cycletrace._internal.importers.found import Found, Item, Problem
from cycletrace._internal.otlp.signals import LOGS, METRICS, TRACES, Encoding, Request, Signal
from cycletrace._internal.rules import Rule

SYSTEM = "otlp"
MAX_LINE = 16 * 1024 * 1024
"""Bytes of the longest line that is read."""
_OTHER_FILE = (
    "it must have an OTLP request in JSON on each line: in the Collector's file exporter, leave format at json and "
    "compression off"
)
_GZIP = b"\x1f\x8b"
_SIGNALS = {b'"resourceSpans"': TRACES, b'"resourceLogs"': LOGS, b'"resourceMetrics"': METRICS}
"""By the field of a request that no other signal's has."""


def read(name: str, file: BinaryIO, since: int | None, rules: Sequence[Rule] = ()) -> Iterator[Found]:
    """Yield the requests in a file that hold records. It may be compressed with gzip.

    Args:
        name: The file's, for people.
        file: It must be buffered.
        since: What began earlier, UTC nanoseconds, is left out.
        rules: What makes records of spans of other programs.
    """
    head: bytes = file.peek(2)[:2]  # type: ignore[attr-defined]  # a buffered reader's
    plain = cast("BinaryIO", gzip.GzipFile(fileobj=file)) if head == _GZIP else file
    number = 0
    try:
        while line := plain.readline(MAX_LINE):
            number += 1
            where = f"{name}, line {number}"
            if len(line) == MAX_LINE and not line.endswith(b"\n"):
                while (rest := plain.readline(MAX_LINE)) and not rest.endswith(b"\n"):
                    pass
                yield Problem(where, f"it is longer than {MAX_LINE:,} bytes")
            elif line.strip():
                if number == 1 and not line.lstrip().startswith(b"{"):
                    yield Problem(name, _OTHER_FILE)
                    return
                yield from _read_line(where, line, since, rules)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        yield Problem(name, f"it is damaged or cut off after line {number:,}: {error}")


def _read_line(where: str, line: bytes, since: int | None, rules: Sequence[Rule]) -> Iterator[Found]:
    signal = _signal_of(line)
    if signal is None:
        yield Problem(where, "it is no OTLP request of traces, logs or metrics")
        return
    request = Request(signal, Encoding.JSON, line)
    records: list[Record] = []
    try:
        if reading.may_hold_records(request, rules):
            records, invalid, unusable = reading.read(request, rules)
            for one in (*invalid, *unusable):
                yield Problem(where, one.reason)
        else:
            reading.check(request)
    except ValueError as error:
        yield Problem(where, str(error))
        return
    wanted = tuple(record for record in records if since is None or began(record) >= since)
    if wanted:
        yield Item(where, sha256(line.strip()).hexdigest()[:32], wanted)


def _signal_of(line: bytes) -> Signal | None:
    """Return the signal whose field comes first: what senders wrote into a request stands behind it."""
    places = {line.find(field): signal for field, signal in _SIGNALS.items() if field in line}
    return places[min(places)] if places else None
