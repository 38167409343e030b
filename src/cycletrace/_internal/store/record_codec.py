"""Records as the text that the store keeps: a JSON array, the same text for the same record.

``[type, key, namespace, model, domain, version, trigger, implicit, fields of the type ...]``; the cycle's id stands in
a column of its own. Non-ASCII characters are escaped, so that no text of any sender can trouble SQLite.
"""

from __future__ import annotations

import json
from collections.abc import Iterable

from cycletrace._internal.flow import Alias, Close, End, Heartbeat, Mark, Record, RecordOrigin, Retraction, Stage, Wait

_TYPES = (Stage, Heartbeat, Wait, Mark, Alias, Close, End, Retraction)
"""By the number that stands for each in the array. Only ever appended to, as are the fields of each."""
_FIRST_FIELDS: dict[type, int] = {Stage: 15, Wait: 6, Mark: 5, Alias: 4, Close: 3}
"""How many fields a type had at first. Later ones are left out where they say nothing, so a text stays the same."""
_NUMBERS = {kind: number for number, kind in enumerate(_TYPES)}
_FIELDS = len(RecordOrigin._fields)
"""Where the fields of the type begin."""

_encode = json.JSONEncoder(separators=(",", ":"), check_circular=False).encode


def encode(record: Record) -> str:
    """Return the text of a record."""
    fields: tuple[object, ...] = record
    first = _FIRST_FIELDS.get(type(record), len(fields))
    while len(fields) > first and not fields[-1]:
        fields = fields[:-1]
    return _encode((_NUMBERS[type(record)], *record.origin[1:], *fields[1:]))


def decode(cycle_id: str, bodies: Iterable[str]) -> list[Record]:
    """Return the records that these texts, of one cycle id, are."""
    records: list[Record] = []
    origin, stated = RecordOrigin(cycle_id), None
    for row in json.loads(f"[{','.join(bodies)}]"):
        if row[1:_FIELDS] != stated:  # most records of a cycle state the same
            stated = row[1:_FIELDS]
            origin = RecordOrigin(cycle_id, *stated)
        records.append(_TYPES[row[0]](origin, *row[_FIELDS:]))
    return records
