"""Write the JSON Schema of a line of ``cycletrace facts``: fields from the code, meanings from the specification.

python scripts/facts_schema.py > docs/facts.schema.json
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from types import NoneType
from typing import Any, get_args, get_origin, get_type_hints, is_typeddict

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests.docs.pages import page, tables, words

from cycletrace import conventions as c
from cycletrace._internal.flow import Facts, Marks, Owner, Parts, StageFacts, WaitFacts

DIALECT = "https://json-schema.org/draft/2020-12/schema"
TABLES = {Facts: "field", Owner: "owner", StageFacts: "stage", WaitFacts: "wait"}
"""The first column of the table of section 3 that describes the fields of each shape."""
VALUES: dict[tuple[type, str], tuple[str, ...]] = {
    (Facts, "trigger"): c.TRIGGERS,
    (Facts, "outcome"): c.CYCLE_OUTCOMES,
    (Facts, "derived"): c.MARKS,
    (Owner, "kind"): c.KINDS,
    (Owner, "activity"): c.ACTIVITIES,
    (StageFacts, "kind"): c.KINDS,
    (StageFacts, "part"): c.PARTS[:3],
    (StageFacts, "outcome"): c.STAGE_OUTCOMES,
    (StageFacts, "actor"): c.ACTORS,
    (StageFacts, "launch"): c.LAUNCHES,
    (StageFacts, "mechanism"): c.MECHANISMS,
    (WaitFacts, "reason"): c.REASONS,
}
"""The known values of fields. They are examples, since readers must accept values that they do not know."""


def schema() -> dict[str, Any]:
    """Return the schema of a line."""
    return {
        "$schema": DIALECT,
        "title": "Facts of a cycle",
        "description": "A line of `cycletrace facts`. Numbers such as 2.20 are rules of docs/specification.md. "
        "Instants are nanoseconds since 1970-01-01 00:00:00 UTC, lengths are nanoseconds. Both exceed 2^53.",
        **_object(Facts),
    }


def _object(shape: type) -> dict[str, Any]:
    hints = get_type_hints(shape)
    return {
        "type": "object",
        "properties": {name: _property(shape, name, hint) for name, hint in hints.items()},
        "required": list(hints),
    }


def _property(shape: type, name: str, hint: Any) -> dict[str, Any]:
    choices = [choice for choice in get_args(hint) if choice is not NoneType] if NoneType in get_args(hint) else [hint]
    (choice,) = choices
    described = {"description": _description(shape, name), **_of(choice, _descriptions_of_counts(shape, name))}
    if choice is not hint:
        described["type"] = [described["type"], "null"]
    values = VALUES.get((shape, name))
    if values is not None:
        holder = described["items"] if choice == list[str] else described
        holder["examples"] = list(values)
    return described


def _of(kind: Any, counts: dict[str, str]) -> dict[str, Any]:
    """Return the schema of a type; ``counts`` describes the members of a mapping from names to numbers."""
    if is_typeddict(kind):
        return _object(kind)
    if get_origin(kind) is list:
        return {"type": "array", "items": _of(get_args(kind)[0], {})}
    if get_origin(kind) is dict:
        number = _of(int, {})
        members = {name: {"description": meaning, **number} for name, meaning in counts.items()}
        return {"type": "object", "properties": members, "additionalProperties": number}
    if kind is int:
        return {"type": "integer", "format": "int64"}
    return {"type": {str: "string", bool: "boolean"}[kind]}


def _rows(first: str) -> dict[str, dict[str, str]]:
    """Return the rows of the table of the specification that has this first column and describes facts."""
    (found,) = (
        rows
        for rows in tables(page("specification.md"))
        if next(iter(rows[0])) == first and {"meaning", "counts"} & set(rows[0])
    )
    return {words(row[first])[0]: row for row in found}


def _description(shape: type, name: str) -> str:
    if shape in (Marks, Parts):
        return (
            f"Instant of the mark `{name}`; null if unknown."
            if shape is Marks
            else f"Length of `{name}`; null if unknown, see 2.21."
        )
    row = _rows(TABLES[shape])[name]
    null = row["null if"]
    what = re.sub(r"^([a-z])", lambda first: first[1].upper(), row["meaning"])
    return ". ".join([what, *([f"Null{':' if null.startswith('see ') else ' if'} {null}"] if null else [])]) + "."


def _descriptions_of_counts(shape: type, name: str) -> dict[str, str]:
    if (shape, name) == (Facts, "flags"):
        return {flag: f"Number of {row['counts']}, see {row['rule']}." for flag, row in _rows("flag").items()}
    if (shape, name) == (Facts, "activity_ns"):
        return {activity: f"Length of `{activity}`." for activity in c.ACTIVITIES}
    return {}


if __name__ == "__main__":
    print(json.dumps(schema(), indent=2, ensure_ascii=False))
