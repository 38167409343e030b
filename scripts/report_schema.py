"""Write the JSON Schema of ``cycletrace report --json``: fields, types and meanings from the code.

python scripts/report_schema.py > docs/report.schema.json
"""

from __future__ import annotations

import ast
import inspect
import json
import re
import textwrap
from collections import Counter
from dataclasses import fields, is_dataclass
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from cycletrace._internal.report import CycleReport, Report
from cycletrace._internal.report.flow_of_work import OpenCycle

SCALARS: dict[Any, dict[str, Any]] = {
    int: {"type": "integer", "format": "int64"},
    float: {"type": "number"},
    str: {"type": "string"},
    bool: {"type": "boolean"},
    NoneType: {"type": "null"},
}
TRACE = {"description": "URL of the trace; null unless CYCLETRACE_JAEGER_URL is set.", "type": ["string", "null"]}


def schema() -> dict[str, Any]:
    """Return the schema."""
    shapes: dict[str, type] = {}
    for of in (Report, CycleReport):
        _collect(of, shapes)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "cycletrace report --json",
        "description": "The report on all cycles, or with `--cycle` the report on one. Instants are nanoseconds since "
        "1970-01-01 00:00:00 UTC, lengths are nanoseconds. Both exceed 2^53. Shares lie between 0 and 1.",
        "anyOf": [_of(Report), _of(CycleReport)],
        "$defs": {name: _object(shape) for name, shape in sorted(shapes.items())},
    }


def _collect(kind: Any, shapes: dict[str, type]) -> None:
    """Add all classes that a type consists of, by name."""
    if is_dataclass(kind) and isinstance(kind, type):
        if shapes.setdefault(kind.__name__, kind) is not kind:
            raise ValueError(f"two classes are called {kind.__name__}")
        for hint in get_type_hints(kind).values():
            _collect(hint, shapes)
    for part in get_args(kind):
        _collect(part, shapes)


def _object(shape: type) -> dict[str, Any]:
    hints, meanings = get_type_hints(shape), _meanings(shape)
    described = {
        each.name: {**({"description": meanings[each.name]} if each.name in meanings else {}), **_of(hints[each.name])}
        for each in fields(shape)  # type: ignore[arg-type]
    }
    if shape in (OpenCycle, CycleReport):
        described["trace"] = TRACE
    return {
        "description": _plain(inspect.getdoc(shape) or ""),
        "type": "object",
        "properties": described,
        "required": list(described),
    }


def _of(kind: Any) -> dict[str, Any]:
    """Return the schema of a type."""
    if is_dataclass(kind) and isinstance(kind, type):
        return {"$ref": f"#/$defs/{kind.__name__}"}
    if kind in SCALARS:
        return SCALARS[kind]
    origin, args = get_origin(kind), get_args(kind)
    if origin is Literal:
        return {"enum": list(args)}
    if origin in (list, tuple):
        return {"type": "array", "items": _of(args[0])}
    if origin in (dict, Counter):
        return {"type": "object", "additionalProperties": _of(int if origin is Counter else args[1])}
    if origin not in (Union, UnionType):
        raise TypeError(f"{kind} has no schema yet")
    choices = [_of(choice) for choice in args]
    if all(isinstance(choice.get("type"), str) for choice in choices):
        return {**choices[0], "type": [choice["type"] for choice in choices]}
    return {"anyOf": choices}


def _meanings(shape: type) -> dict[str, str]:
    """Return the docstrings below the fields of a class."""
    (of,) = ast.parse(textwrap.dedent(inspect.getsource(shape))).body
    assert isinstance(of, ast.ClassDef)
    found = {}
    for before, after in zip(of.body, of.body[1:], strict=False):
        match before, after:
            case ast.AnnAssign(target=ast.Name(name)), ast.Expr(value=ast.Constant(value=str(text))):
                found[name] = _plain(inspect.cleandoc(text))
    return found


def _plain(text: str) -> str:
    """Return a docstring without its markup."""
    text = re.sub(r":\w+:`~?([^`]+)`", r"`\1`", text)
    return " ".join(text.replace("``", "`").replace("`None`", "null").split())


if __name__ == "__main__":
    print(json.dumps(schema(), indent=2, ensure_ascii=False))
