"""Files of rules: TOML, read and checked. The format is described in ``docs/rules.md``."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Collection, Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any, NoReturn, cast

from cycletrace import conventions as c
from cycletrace._internal.environment import PEOPLE, PEOPLE_KEY
from cycletrace._internal.rules.apply import FIELD
from cycletrace._internal.rules.rule import (
    RESOURCE,
    SKIP,
    SPAN_NAME,
    MarkOf,
    OutcomeFrom,
    PersonFrom,
    Rule,
    StageOf,
    WaitOf,
)

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

_SETS = files("cycletrace._internal.rules") / "sets"
_BECOMES = ("stage", "wait", "mark", "ignore")
_SHARED = ("cycle", "model", "domain", "namespace")
"""What may also stand at the top of a file, for all its rules."""
_RULE = ("name", "where", *_BECOMES, *_SHARED, "outcome", "parent")
_STAGE = ("name", "kind", "launch", "actor", "person", "attempt")
_MARK = ("name", "environment")
_EXAMPLE = "a text with names of attributes in braces, such as {cicd.pipeline.name}"


class RuleError(ValueError):
    """A file of rules that cannot be used. The message is one sentence for people."""


def set_names() -> list[str]:
    """Return the names of the sets of rules that come with cycletrace."""
    return sorted(item.name.removesuffix(".toml") for item in _SETS.iterdir() if item.name.endswith(".toml"))


def load(name: str) -> tuple[Rule, ...]:
    """Return the rules of a file, or of a set that comes with cycletrace.

    Args:
        name: The path of the file, or the name of the set.

    Raises:
        RuleError: if there is no such file, or it is invalid.
    """
    known = set_names()
    try:
        content = (_SETS / f"{name}.toml" if name in known else Path(name)).read_bytes()
    except OSError as error:
        raise RuleError(
            f"The rules {name} cannot be read: {error.strerror}. Name a file, or one of {', '.join(known)}."
        ) from None
    return parse(content, name)


def parse(content: bytes, name: str) -> tuple[Rule, ...]:
    """Return the rules in the content of a file of this name.

    Raises:
        RuleError: if it is invalid.
    """
    try:
        table = tomllib.loads(content.decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise RuleError(f"The rules {name} are not TOML: {error}.") from None
    _check_names(name, table, ("rule", *_SHARED))
    entries = table.pop("rule", None)
    if not isinstance(entries, list) or not entries:
        raise RuleError(f"{name}: expected at least one [[rule]].")
    return tuple(_rule(f"{name}, rule {number}", table, entry) for number, entry in enumerate(entries, 1))


def _rule(at: str, shared: Mapping[str, Any], entry: Any) -> Rule:
    """Return a rule. ``at`` says where it stands, for people; ``shared`` is what stands at the top of its file."""
    if not isinstance(entry, dict):
        _refuse(at, "", "a table")
    at += f" ({entry['name']})" if isinstance(entry.get("name"), str) else ""
    _check_names(at, entry, _RULE)
    chosen = [word for word in _BECOMES if word in entry]
    if len(chosen) != 1:
        raise RuleError(f"{at}: expected exactly one of {', '.join(_BECOMES)}.")
    where = _where(at, entry.get("where"))
    texts = {name: _template(at, name, {**shared, **entry}.get(name)) for name in _SHARED}
    becomes = _becomes(at, chosen[0], entry[chosen[0]])
    if becomes is not None and texts["cycle"] is None:
        _refuse(at, "cycle", _EXAMPLE)
    return Rule(
        label=at,
        where=where,
        becomes=becomes,
        cycle=texts["cycle"] or "",
        model=texts["model"],
        domain=texts["domain"],
        namespace=texts["namespace"],
        outcome=_outcome(at, entry.get("outcome")),
        in_parent=_flag(at, "parent", entry.get("parent", False)),
        literals=tuple(_literals(where)),
    )


def _where(at: str, given: Any) -> tuple[tuple[str, str | bool], ...]:
    if not isinstance(given, dict) or not given:
        _refuse(at, "where", 'a table of attributes, such as { "cicd.pipeline.task.name" = true }')
    for name, wanted in given.items():
        if not isinstance(wanted, (str, bool)):
            _refuse(at, f"where: {name}", "a pattern, true (any value) or false (no value)")
    return tuple(given.items())


def _literals(where: tuple[tuple[str, str | bool], ...]) -> list[bytes]:
    """Return what stands in every request with a span that has these attributes: beginnings of names and patterns.

    They end before the first character that a pattern or JSON may mean in another way.
    """
    found = []
    for name, wanted in where:
        if wanted is False or (name, wanted) == (SPAN_NAME, True):
            continue
        text = str(wanted) if name == SPAN_NAME else name.removeprefix(RESOURCE)
        begin = re.match(r"[\w.-]*", text, re.ASCII)
        assert begin is not None  # it may be empty
        found.append(begin[0].encode())
    return found


def _becomes(at: str, word: str, given: Any) -> StageOf | WaitOf | MarkOf | None:
    if word == "wait":
        return WaitOf(_one_of(at, word, given, c.REASONS))
    if word == "mark":
        table = given if isinstance(given, dict) else {"name": given}
        _check_names(f"{at}, mark", table, _MARK)
        environment = _template(at, "mark: environment", table.get("environment"))
        return MarkOf(_one_of(at, word, table.get("name"), c.MARKS), environment)
    if word == "ignore":
        if given is not True:
            _refuse(at, word, "true")
        return None
    if not isinstance(given, dict):
        _refuse(at, word, f"a table of {', '.join(_STAGE)}")
    _check_names(f"{at}, stage", given, _STAGE)
    name = _template(at, "stage: name", given.get("name"))
    if name is None:
        _refuse(at, "stage: name", _EXAMPLE)
    return StageOf(
        name,
        _kinds(at, given.get("kind", {})),
        _one_of(at, "stage: launch", given.get("launch", c.OTHER), c.LAUNCHES),
        _one_of(at, "stage: actor", given.get("actor", c.AUTOMATION), c.ACTORS),
        _template(at, "stage: attempt", given.get("attempt")),
        _person(_template(at, "stage: person", given.get("person"))),
    )


def _person(template: str | None) -> PersonFrom | None:
    return None if template is None else PersonFrom(template, PEOPLE.read(os.environ), PEOPLE_KEY.read(os.environ))


def _kinds(at: str, given: Any) -> tuple[tuple[str, str], ...]:
    """Return patterns of names and their kinds: one kind for all names, or a table."""
    kinds = given if isinstance(given, dict) else {"*": given}
    return tuple((pattern, _one_of(at, "stage: kind", kind, c.KINDS)) for pattern, kind in kinds.items())


def _outcome(at: str, given: Any) -> OutcomeFrom:
    if given is None:
        return OutcomeFrom()
    expected = f"a table with from (one or more attributes), and {', '.join(c.STAGE_OUTCOMES)} or {SKIP} by its values"
    if not isinstance(given, dict) or "from" not in given:
        _refuse(at, "outcome", expected)
    words = dict(given)
    source = words.pop("from")
    names = source if isinstance(source, list) else [source]
    if not names or not all(isinstance(name, str) and name for name in names):
        _refuse(at, "outcome", expected)
    allowed = (*c.STAGE_OUTCOMES, SKIP)
    outcomes = {value.lower(): _one_of(at, f"outcome: {value}", word, allowed) for value, word in words.items()}
    return OutcomeFrom(tuple(names), outcomes)


def _template(at: str, name: str, given: Any) -> str | None:
    if given is None:
        return None
    if not isinstance(given, str) or not given or "" in FIELD.findall(given) or re.search("[{}]", FIELD.sub("", given)):
        _refuse(at, name, _EXAMPLE)
    return given


def _flag(at: str, name: str, given: Any) -> bool:
    if not isinstance(given, bool):
        _refuse(at, name, "true or false")
    return given


def _one_of(at: str, name: str, given: Any, words: Collection[str]) -> str:
    if given not in words:
        _refuse(at, name, f"one of {', '.join(words)}")
    return cast("str", given)


def _check_names(at: str, table: Mapping[str, Any], known: Collection[str]) -> None:
    for name in table:
        if name not in known:
            raise RuleError(f"{at}: there is no {name!r}: expected some of {', '.join(known)}.")


def _refuse(at: str, name: str, expected: str) -> NoReturn:
    raise RuleError(f"{at}: {name}{': ' if name else ''}expected {expected}.")
