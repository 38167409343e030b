"""``docs/facts.schema.json``: it is what the script makes of code and specification, and real facts satisfy it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from tests.docs.pages import DOCS, ROOT
from tests.docs.test_specification import EXAMPLES, records_of

from cycletrace._internal.flow import facts_of
from cycletrace._internal.store.facts_codec import encode

SCHEMA: dict[str, Any] = json.loads((DOCS / "facts.schema.json").read_text(encoding="utf-8"))
TYPES = {"string": str, "integer": int, "boolean": bool, "object": dict, "array": list, "null": type(None)}
KNOWN = {"$schema", "title", "description", "format", "examples"}
CHECKED = {"type", "properties", "required", "additionalProperties", "items"}


def problems(schema: dict[str, Any], value: Any, where: str = "facts") -> Iterator[str]:
    """Yield what is wrong with a value, by those keywords that the schema uses."""
    assert schema.keys() <= KNOWN | CHECKED
    types = [schema["type"]] if isinstance(schema["type"], str) else schema["type"]
    if type(value) not in {TYPES[name] for name in types}:
        yield f"{where} is not {types}"
    elif isinstance(value, dict):
        yield from (f"{where} lacks {name}" for name in schema.get("required", ()) if name not in value)
        for name, one in value.items():
            described = schema["properties"].get(name)
            if described is None:
                yield f"{where}.{name} is not described"
            else:
                yield from problems(described, one, f"{where}.{name}")
    elif isinstance(value, list):
        for one in value:
            yield from problems(schema["items"], one, f"{where}[]")


def lines() -> Iterator[Any]:
    """Yield the facts of the examples of the specification, as they are printed."""
    for example in EXAMPLES:
        for facts in facts_of(records_of(example.records), example.at):
            yield json.loads(encode(facts))


def test_it_is_what_the_script_makes() -> None:
    script = [sys.executable, str(ROOT / "scripts" / "facts_schema.py")]
    made = subprocess.run(script, capture_output=True, encoding="utf-8", check=True)
    assert made.stdout == (DOCS / "facts.schema.json").read_text(encoding="utf-8")


def test_facts_satisfy_it() -> None:
    assert [problem for facts in lines() for problem in problems(SCHEMA, facts)] == []


def test_a_validator_agrees() -> None:
    jsonschema = pytest.importorskip("jsonschema")
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    for facts in lines():
        jsonschema.validate(facts, SCHEMA)


@pytest.mark.parametrize("wrong", [{"flags": {"skewed": "1"}}, {"marks": {}}, {"stages": [{}]}, {"key": 1}, {"new": 1}])
def test_what_does_not_satisfy_it(wrong: dict[str, Any]) -> None:
    assert list(problems(SCHEMA, {**next(lines()), **wrong}))
