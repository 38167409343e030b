"""``docs/cli.md`` against the command line itself: every command, option, argument and value."""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.docs.pages import headings, page, section, table, tables, words
from tests.journals import environment

from cycletrace._internal.cli.main import parser
from cycletrace._internal.collector.settings import SETTINGS
from cycletrace._internal.flow import Facts, Owner, StageFacts, WaitFacts
from cycletrace.conventions import ACTIVITIES, CYCLE_OUTCOMES, MARKS

OPTION = re.compile(r"--[a-z]+(?:-[a-z]+)*")


def commands(whole: argparse.ArgumentParser, name: str) -> Iterator[tuple[str, argparse.ArgumentParser]]:
    """Yield every executable command, by its full name."""
    groups = [action for action in whole._actions if isinstance(action, argparse._SubParsersAction)]
    if not groups:
        yield name, whole
    for group in groups:
        for word, inner in group.choices.items():
            yield from commands(inner, f"{name} {word}")


COMMANDS = dict(commands(parser(), "cycletrace"))


def actions(name: str) -> list[argparse.Action]:
    return [action for action in COMMANDS[name]._actions if not isinstance(action, argparse._HelpAction)]


def test_every_command_has_a_section_and_no_other_has() -> None:
    assert [head for head in headings(page("cli.md"), 3) if head.startswith("cycletrace")] == list(COMMANDS)


def test_every_command_is_in_the_list_at_the_top() -> None:
    first = tables(page("cli.md"))[0]
    assert [f"cycletrace {word}" for row in first for cell in row.values() for word in words(cell)] == list(COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_a_section_has_every_option_of_its_command_and_no_other(name: str) -> None:
    text = section(page("cli.md"), name)
    documented = {
        found for word in words(text) if not word.startswith(("cycletrace", "pip")) for found in OPTION.findall(word)
    }
    assert documented == {option for action in actions(name) for option in action.option_strings}


@pytest.mark.parametrize("name", COMMANDS)
def test_a_section_has_every_value_that_an_argument_allows(name: str) -> None:
    rows = table(section(page("cli.md"), "What commands have in common"), "option")
    shared = {option: row["meaning"] for row in rows for option in OPTION.findall(row["option"])}
    text = section(page("cli.md"), name)
    for action in actions(name):
        if action.choices is not None:
            meaning = text + " ".join(shared.get(option, "") for option in action.option_strings)
            if "as for [`run`]" in text or name == "cycletrace stage end":
                meaning += section(page("cli.md"), "cycletrace run")
            assert set(action.choices) <= set(words(meaning)), action


@pytest.mark.parametrize("name", COMMANDS)
def test_a_section_shows_the_arguments_that_have_no_option(name: str) -> None:
    text = section(page("cli.md"), name)
    for action in actions(name):
        if not action.option_strings:
            assert str(action.metavar or action.dest).replace("-- ", "").upper() in text


def test_the_fields_of_facts_are_those_of_the_facts() -> None:
    rows = table(section(page("cli.md"), "cycletrace facts"), "field")
    assert [name for row in rows for name in words(row["field"])] == list(Facts.__annotations__)
    meaning = {name: words(row["meaning"]) for row in rows for name in words(row["field"])}
    assert tuple(meaning["owners"]) == tuple(Owner.__annotations__)
    assert tuple(meaning["stages"]) == tuple(StageFacts.__annotations__)
    assert tuple(meaning["waits"]) == tuple(WaitFacts.__annotations__)
    assert tuple(meaning["activity_ns"]) == ACTIVITIES
    assert tuple(meaning["marks"]) == MARKS
    assert set(meaning["outcome"]) == set(CYCLE_OUTCOMES)


def cycletrace(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "cycletrace", *arguments],
        cwd=folder,
        env=environment(folder / "state"),
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("code", "arguments"),
    [
        (0, ("status",)),
        (0, ("doctor",)),
        (1, ("facts", "--cycle", "nobody@1")),
        (1, ("report", "--cycle", "nobody@1")),
        (2, ("mark", "selected")),
        (2, ("mark", "chosen")),
        (2, ("facts", "--at", "2026-11-24T09:30:00")),
        (2, ("flush",)),
        (2, ("facts", "--store", "nothing.db")),
        (7, ("run", "--stage", "train", "--", "sh", "-c", "exit 7")),
        (127, ("run", "--stage", "train", "--", "no-such-command")),
    ],
)
def test_the_exit_codes_are_those_of_the_page(tmp_path: Path, code: int, arguments: tuple[str, ...]) -> None:
    done = cycletrace(tmp_path, *arguments)
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr


def test_json_has_the_fields_of_the_page(tmp_path: Path) -> None:
    cycletrace(tmp_path, "mark", "started", "--cycle", "churn@7")
    status = json.loads(cycletrace(tmp_path, "status", "--json").stdout)
    assert set(status) == set(words(table(section(page("cli.md"), "cycletrace status"), "option")[0]["meaning"]))
    assert [cycle["key"] for cycle in status["open"]] == ["churn@7"]
    findings = [json.loads(line) for line in cycletrace(tmp_path, "doctor", "--json").stdout.splitlines()]
    fields = words(table(section(page("cli.md"), "cycletrace doctor"), "option")[0]["meaning"])
    assert findings
    assert all(list(finding) == fields for finding in findings)
    info = json.loads(cycletrace(tmp_path, "store", "info", "--json").stdout)
    assert list(info) == words(table(section(page("cli.md"), "cycletrace store info"), "option")[0]["meaning"])


def test_the_defaults_of_the_collector_are_those_of_the_page() -> None:
    rows = table(section(page("cli.md"), "cycletrace collect"), "option")
    documented = {words(row["option"])[0].split()[0]: row["meaning"] for row in rows}
    for setting in SETTINGS:
        if setting.default:
            assert documented[f"--{setting.name}"].endswith(f"by default `{setting.default}`")
