"""Files of rules, and what is wrong with some."""

from __future__ import annotations

from pathlib import Path

import pytest

from cycletrace._internal.rules import RuleError, load
from cycletrace._internal.rules.rule_file import parse

RULE = '[[rule]]\nname = "job"\nwhere = { a = true }\ncycle = "{a}"\n'
AT = "own.toml, rule 1 (job)"


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("where =", "The rules own.toml are not TOML: "),
        (b"\xff", "The rules own.toml are not TOML: "),
        ("", "own.toml: expected at least one [[rule]]."),
        ("rule = []", "own.toml: expected at least one [[rule]]."),
        ("rule = [1]", "own.toml, rule 1: expected a table."),
        (
            'keys = "a"\n[[rule]]',
            "own.toml: there is no 'keys': expected some of rule, cycle, model, domain, namespace.",
        ),
        (
            f'{RULE}wait = "human"\n[[rule]]\nwhere = {{ a = 1 }}\nignore = true',
            "own.toml, rule 2: where: a: expected ",
        ),
        (f'{RULE}then = "human"', f"{AT}: there is no 'then': expected some of name, where, stage, "),
        (RULE, f"{AT}: expected exactly one of stage, wait, mark, ignore."),
        (f'{RULE}wait = "human"\nmark = "trained"', f"{AT}: expected exactly one of stage, wait, mark, ignore."),
        ('[[rule]]\ncycle = "{a}"\nwait = "human"', "own.toml, rule 1: where: expected a table of attributes"),
        ("[[rule]]\nwhere = {}\nignore = true", "own.toml, rule 1: where: expected a table of attributes"),
        ('[[rule]]\nwhere = { a = true }\nwait = "human"', "own.toml, rule 1: cycle: expected a text with names of "),
        (
            f'{RULE.replace("{a}", "{a")}wait = "human"',
            f"{AT}: cycle: expected a text with names of attributes in brac",
        ),
        (f'{RULE.replace("{a}", "{}")}wait = "human"', f"{AT}: cycle: expected "),
        (f'{RULE.replace("{a}", "")}wait = "human"', f"{AT}: cycle: expected "),
        (f'{RULE}model = 1\nwait = "human"', f"{AT}: model: expected a text with names of attributes in braces"),
        (f'{RULE}wait = "lunch"', f"{AT}: wait: expected one of human, data, compute, schedule, external."),
        (f'{RULE}mark = "born"', f"{AT}: mark: expected one of started, trained, selected, deployed, in_use."),
        (f'{RULE}mark = {{ name = "in_use", at = "x" }}', f"{AT}, mark: there is no 'at': expected some of name, env"),
        (f"{RULE}ignore = false", f"{AT}: ignore: expected true."),
        (f'{RULE}stage = "train"', f"{AT}: stage: expected a table of name, kind, launch, actor, person, attempt."),
        (f"{RULE}stage = {{}}", f"{AT}: stage: name: expected a text with names of attributes in braces"),
        (f'{RULE}stage = {{ name = "x", kind = "run" }}', f"{AT}: stage: kind: expected one of data, train, "),
        (f'{RULE}stage = {{ name = "x", kind = {{ "*" = 1 }} }}', f"{AT}: stage: kind: expected one of data, train, "),
        (f'{RULE}stage = {{ name = "x", launch = "me" }}', f"{AT}: stage: launch: expected one of terminal, "),
        (f'{RULE}stage = {{ name = "x", actor = [] }}', f"{AT}: stage: actor: expected one of automation, human."),
        (f'{RULE}stage = {{ name = "x", user = "y" }}', f"{AT}, stage: there is no 'user': expected some of name"),
        (f'{RULE}wait = "human"\nparent = 1', f"{AT}: parent: expected true or false."),
        (f'{RULE}wait = "human"\noutcome = "x"', f"{AT}: outcome: expected a table with from (one or more attributes)"),
        (f'{RULE}wait = "human"\noutcome = {{ from = [] }}', f"{AT}: outcome: expected a table with from "),
        (
            f'{RULE}wait = "human"\noutcome = {{ from = "a", x = "bad" }}',
            f"{AT}: outcome: x: expected one of ok, error",
        ),
    ],
)
def test_an_error_says_which_rule_and_what_was_expected(content: str | bytes, sentence: str) -> None:
    with pytest.raises(RuleError) as caught:
        parse(content if isinstance(content, bytes) else content.encode(), "own.toml")
    assert str(caught.value).startswith(sentence)
    assert str(caught.value).endswith(".")


def test_a_rule_takes_what_stands_at_the_top_of_its_file_unless_it_says_otherwise() -> None:
    first, second = parse(
        b"""
        cycle = "{a}"
        domain = "all"
        [[rule]]
        where = { a = true }
        wait = "human"
        [[rule]]
        where = { b = true }
        cycle = "{b}"
        wait = "human"
        """,
        "own.toml",
    )
    assert (first.cycle, first.domain, first.label) == ("{a}", "all", "own.toml, rule 1")
    assert (second.cycle, second.domain, second.label) == ("{b}", "all", "own.toml, rule 2")


def test_rules_are_a_file_or_a_set_by_its_name(tmp_path: Path) -> None:
    file = tmp_path / "own.toml"
    file.write_text(f'{RULE}wait = "human"', encoding="utf-8")
    assert len(load(str(file))) == 1
    assert load("airflow")
    with pytest.raises(RuleError, match=r"cannot be read: .* Name a file, or one of airflow, cicd\.$"):
        load(str(tmp_path / "missing.toml"))
