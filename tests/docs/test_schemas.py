"""The published JSON Schemas: they are what the scripts make of the code, and real facts and reports satisfy them."""

from __future__ import annotations

import copy
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from tests.docs.pages import DOCS, ROOT
from tests.docs.test_specification import EXAMPLES, records_of
from tests.journals import environment
from tests.report.histories import NOW, demo, history

from cycletrace._internal.flow import facts_of
from cycletrace._internal.report import build, build_cycle, to_json
from cycletrace._internal.store.facts_codec import encode


def closed(schema: Any) -> Any:
    """Return a schema that allows no other fields than those it names, as readers must."""
    if isinstance(schema, list):
        return [closed(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    found = {name: closed(each) for name, each in schema.items()}
    return {"additionalProperties": False, **found} if "properties" in found else found


def validator(name: str) -> Draft202012Validator:
    schema = json.loads((DOCS / name).read_text(encoding="utf-8"))
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(closed(schema))


FACTS, REPORT = validator("facts.schema.json"), validator("report.schema.json")


def lines() -> Iterator[Any]:
    """Yield the facts of the examples of the specification, as they are printed."""
    for example in EXAMPLES:
        for facts in facts_of(records_of(example.records), example.at):
            yield json.loads(encode(facts))


def reports() -> Iterator[Any]:
    """Yield reports on no cycle, a few, and many, and on single cycles, as they are printed."""
    for facts in ([], demo(), history(200)):
        for window in ("90d", "all"):
            figures = to_json(build(facts, as_of=NOW, window=window))
            for cycle in figures["work"]["open"]:
                cycle["trace"] = None
            yield figures
        for one in facts:
            yield {**to_json(build_cycle(one)), "trace": "http://127.0.0.1:16686/trace/1"}


@pytest.mark.parametrize("name", ["facts", "report"])
def test_they_are_what_the_scripts_make(name: str) -> None:
    script = [sys.executable, str(ROOT / "scripts" / f"{name}_schema.py")]
    made = subprocess.run(script, capture_output=True, encoding="utf-8", check=True)
    assert made.stdout == (DOCS / f"{name}.schema.json").read_text(encoding="utf-8")


def test_facts_and_reports_satisfy_them() -> None:
    assert [fault.message for one in lines() for fault in FACTS.iter_errors(one)] == []
    assert [fault.message for one in reports() for fault in REPORT.iter_errors(json.loads(json.dumps(one)))] == []


def test_what_the_command_prints_satisfies_them(tmp_path: Path) -> None:
    env = environment(tmp_path / "state")
    command = [sys.executable, "-m", "cycletrace"]
    trained = [*command, "run", "--stage", "train", "--cycle", "churn@1", "--", "true"]
    subprocess.run(trained, env=env, cwd=tmp_path, capture_output=True, check=True)
    for words, schema in (
        (["facts"], FACTS),
        (["report", "--json"], REPORT),
        (["report", "--json", "--cycle", "churn@1"], REPORT),
    ):
        printed = subprocess.run([*command, *words], env=env, cwd=tmp_path, capture_output=True, check=True).stdout
        schema.validate(json.loads(printed))


@pytest.mark.parametrize("wrong", [{"flags": {"skewed": "1"}}, {"marks": {}}, {"stages": [{}]}, {"key": 1}, {"new": 1}])
def test_facts_that_do_not_satisfy_it(wrong: dict[str, Any]) -> None:
    assert not FACTS.is_valid({**next(lines()), **wrong})


@pytest.mark.parametrize("wrong", [{"as_of": "now"}, {"waits": {}}, {"new": 1}, {"headline": None}])
def test_reports_that_do_not_satisfy_it(wrong: dict[str, Any]) -> None:
    report = copy.deepcopy(next(reports()))
    assert not REPORT.is_valid({**report, **wrong})
