"""``cycletrace rules``: what rules make of spans of other programs."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from cycletrace._internal.cli import options
from cycletrace._internal.cli.failure import Failure, require
from cycletrace.conventions import PREFIX

if TYPE_CHECKING:
    from cycletrace._internal.flow import Record
    from cycletrace._internal.rules import Rule, Span

_OURS = "it is a span of cycletrace, which needs no rule"
_LONGEST = 200
"""Characters of a reason that are printed."""


class _Read(NamedTuple):
    """A span, and the record that it becomes or why it becomes none."""

    span: str
    record: Record | None
    reason: str


def add_commands(commands: Any) -> None:
    """Add the subcommand."""
    actions = options.add_group(
        commands,
        "rules",
        "try rules for spans of other programs: test",
        "Try rules that make stages, waits and marks of spans of other programs, before a collector uses them.",
    )
    test = options.add_command(
        actions,
        "test",
        run,
        "show what rules make of spans",
        "Read OTLP requests in JSON from stdin, one of any layout or one a line, and show what rules make of each "
        "span. Nothing is recorded.",
    )
    test.add_argument("rules", nargs="+", metavar="FILE", help="files of rules, or cicd or airflow")
    test.add_argument("--json", action="store_true", help="print the result as one JSON object")


def add_option(parser: argparse.ArgumentParser) -> None:
    """Add ``--rules``."""
    parser.add_argument(
        "--rules",
        metavar="FILE",
        action="append",
        default=[],
        help="rules that make records of other programs' spans: a file, or cicd or airflow; may be repeated",
    )


def load_rules(names: Sequence[str]) -> tuple[Rule, ...]:
    """Return the rules in files, or in sets of these names.

    Raises:
        Failure: if they cannot be used.
    """
    if not names:
        return ()
    require("rules", ("google.protobuf", *(() if sys.version_info >= (3, 11) else ("tomli",))), "collector")
    from cycletrace._internal.rules import RuleError, load

    try:
        return tuple(rule for name in names for rule in load(name))
    except RuleError as error:
        raise Failure(str(error)) from None


def run(args: argparse.Namespace) -> int:
    """Show what rules make of the spans on stdin."""
    rules = load_rules(args.rules)
    read = [_read(rules, span, resource) for span, resource in _spans(sys.stdin.buffer.read())]
    if args.json:
        print(json.dumps({"spans": [_as_json(one) for one in read]}))
    else:
        options.print_table([("SPAN", "BECOMES", "CYCLE", ""), *map(_row, read)])
    return 0 if any(one.record is not None for one in read) else 1


def _spans(content: bytes) -> Iterator[tuple[Span, Mapping[str, object]]]:
    """Yield the spans of one request, or of one on each line, with the attributes of their resources.

    Raises:
        Failure: if they cannot be read.
    """
    from cycletrace._internal.collector.reading import spans_in_json
    from cycletrace._internal.otlp.signals import TRACES, Encoding, Request

    try:
        json.loads(content)
    except ValueError:
        bodies = {f"line {number}": line for number, line in enumerate(content.splitlines(), 1) if line.strip()}
    else:
        bodies = {"stdin": content}
    if not bodies:
        raise Failure("stdin is empty: pass it OTLP requests in JSON, such as a file of the Collector's file exporter.")
    for where, body in bodies.items():
        try:
            yield from spans_in_json(Request(TRACES, Encoding.JSON, body))
        except ValueError as error:
            raise Failure(f"{where} cannot be read: {error}. Expected an OTLP request of traces in JSON.") from None


def _read(rules: Sequence[Rule], span: Span, resource: Mapping[str, object]) -> _Read:
    from cycletrace._internal.rules import Unused, apply

    if any(name.startswith(PREFIX) for name in span.attributes):
        return _Read(span.name, None, _OURS)
    made = apply(rules, span, resource)
    return _Read(span.name, None, made.reason) if isinstance(made, Unused) else _Read(span.name, made, "")


def _as_json(read: _Read) -> dict[str, Any]:
    from cycletrace._internal.importers.driver import as_json

    return {**read._asdict(), "record": None if read.record is None else as_json(read.record)}


def _row(read: _Read) -> tuple[str, ...]:
    name = options.printable(read.span)
    if read.record is None:
        return name, "-", "", options.printable(read.reason, _LONGEST)
    key = options.printable(read.record.origin.key or "")
    return name, options.printable(_in_words(read.record)), key, ""


def _in_words(record: Record) -> str:
    """Return what a span became, such as ``stage train (train), ok``."""
    from cycletrace._internal.flow.records import Mark, Stage, Wait

    if isinstance(record, Stage):
        return f"stage {record.name} ({record.kind}), {record.outcome}"
    assert isinstance(record, (Wait, Mark))  # what rules make
    return f"wait {record.reason}" if isinstance(record, Wait) else f"mark {record.name}"
