"""The version of facts changes whenever the same records come to make other facts."""

from __future__ import annotations

import ast
import json
import random
from hashlib import sha256
from pathlib import Path

from tests.flow.strategies import decode

from cycletrace import conventions
from cycletrace._internal import flow
from cycletrace._internal.flow import FACTS_VERSION, fold
from cycletrace._internal.flow.version import VOCABULARY

CYCLES = 400

DIGESTS = {
    # version of facts, digest of the records: digest of what the fold makes of them
    ("1-b8d55536b8c90b45", "e8a83749bc5b91ee"): "7326b4c90d6ff978",
    ("2-b8d55536b8c90b45", "066b3272c64ee2a8"): "b5c86ee2d5e2513f",
}
"""Where this fails because other facts are made of the same records: raise ``FOLD`` in ``flow/version.py``, then add a
line. Where words or the random cycles changed, add a line only. No line is ever changed: one that is changed says that
a store may hold facts that differ from those of today."""


def test_what_the_fold_makes_changes_with_the_version_only() -> None:
    examples = [decode(random.Random(number).randbytes(320)) for number in range(CYCLES)]
    records = digest([(example.records, example.at, sorted_rules(example.rules)) for example in examples])
    facts = digest([fold(example.records, example.at, example.rules) for example in examples])
    assert {(FACTS_VERSION, records): facts}.items() <= DIGESTS.items(), (FACTS_VERSION, records, facts)


def sorted_rules(rules: flow.Rules) -> tuple[int, int, list[str]]:
    return rules.tolerance, rules.settle, sorted(rules.production)


def digest(value: object) -> str:
    return sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:16]


def test_every_word_that_the_fold_uses_is_part_of_the_version() -> None:
    words = {
        name.name
        for path in Path(flow.__file__).parent.glob("*.py")
        if path.name not in {"domain.py", "targets.py", "version.py"}  # what facts mean, not what they are
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom) and node.module == "cycletrace.conventions"
        for name in node.names
    } - {"PRODUCTION"}  # is in the rules
    assert "MARKS" in words
    for name in words:
        value = getattr(conventions, name)
        assert value in VOCABULARY or any(value in group for group in VOCABULARY), name
