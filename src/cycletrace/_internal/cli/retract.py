"""``cycletrace retract``: take back a record that was a mistake."""

from __future__ import annotations

import argparse
import re
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from cycletrace import conventions as c
from cycletrace._internal.cli import options
from cycletrace._internal.cli.failure import Failure
from cycletrace._internal.cli.recording import note, print_recorded, recorder

if TYPE_CHECKING:
    from cycletrace._internal.journal.documents import SpanDocument
    from cycletrace._internal.sdk.cycles import CycleRef

_DECLARING = (c.MARK_NAME, c.ALIAS_KEY, c.CYCLE_OUTCOME, c.STAGE_BEGUN, c.STAGE_ENDED, c.WAIT_BEGUN, c.WAIT_ENDED)
"""The attributes by which a span is a word: a mark, an alias, an outcome, a begin or an end."""
_TOKENS = tuple(f'"{name}"'.encode() for name in (*_DECLARING, c.RETRACTED, c.STAGE_OUTCOME, c.WAIT_ID))


class Word(NamedTuple):
    """Something that was recorded here and can be taken back."""

    id: str
    """What a retraction names: the id of the record's span, or of the stage that began."""
    cycle_id: str
    key: str
    namespace: str
    model: str | None
    is_implicit: bool
    what: str
    at: int
    """When it happened, UTC nanoseconds."""

    @property
    def line(self) -> str:
        """One line about it, for people."""
        when = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(self.at // 10**9))
        return f"{self.what} of {self.key}, at {when}"

    def cycle(self) -> CycleRef:
        """Return the cycle as a retraction names it."""
        from cycletrace._internal.sdk.cycles import CycleRef

        return CycleRef(self.key, namespace=self.namespace, model=self.model, implicit=self.is_implicit)


def add_commands(commands: Any) -> None:
    """Add the subcommand."""
    parser = options.add_command(
        commands,
        "retract",
        run,
        "take back a record that was a mistake",
        "Take back a record that was a mistake: without an ID the mark, alias, outcome, begin or end that was recorded "
        "last in this state directory. From now on, facts are as if it had never been recorded.",
    )
    parser.add_argument(
        "id",
        nargs="?",
        type=options.some_text,
        metavar="ID",
        help="an id from --list, or that of a stage or wait from `cycletrace facts` (default: the last of the list)",
    )
    parser.add_argument("--list", action="store_true", help="only list what was recorded here and can be taken back")
    parser.add_argument("--cycle", metavar="KEY", help="the cycle's key, if this machine knows nothing with that ID")
    options.add_directory(parser)


def run(args: argparse.Namespace) -> int:
    """Retract one record, or list those that can be."""
    from cycletrace._internal.sdk.cycles import from_key
    from cycletrace._internal.sdk.marks import write_short

    state = recorder(args)
    directory = options.own_directory(args)
    try:
        cycle = from_key(args.cycle, state.settings.namespace) if args.cycle is not None else None
    except ValueError as error:
        raise Failure(f"--cycle: {error}") from None
    words = [word for word in _words(directory) if cycle is None or word.cycle_id == cycle.cycle_id]
    if args.list:
        for word in words:
            print(f"{word.id}  {word.line}")
        if not words:
            print("Nothing that was recorded here can be taken back.")
        return 0
    if args.id is None:
        if not words:
            print("Nothing that was recorded here can be taken back.", file=sys.stderr)
            return 1
        word = words[-1]
        target, of, what = word.id, word.cycle(), word.line
    else:
        target = args.id.lower() if re.fullmatch("[0-9A-Fa-f]{16}", args.id) else args.id
        found = next((word for word in reversed(words) if word.id == target), None) or _in_facts(args, target)
        if found is not None:
            of, what = found.cycle(), found.line
        elif cycle is not None:
            of, what = cycle, f"{target} of {cycle.key}"
            note(f"nothing with the id {target} is known on this machine.")
        else:
            print(f"There is nothing with the id {target} here. Name its cycle with --cycle KEY.", file=sys.stderr)
            return 1
    write_short(state, of, c.RETRACT_SPAN, {c.RETRACTED: target})
    return print_recorded(state, f"Retracted: {what}.")


def _words(directory: Path) -> list[Word]:
    """Return what was recorded in a state directory and is not retracted yet, in the order of recording."""
    begun: set[str] = set()
    words: list[Word] = []
    retracted: set[tuple[str, str]] = set()
    for document in _spans(directory):
        attributes = document["attributes"]
        if c.RETRACTED in attributes:
            retracted.add((document["trace_id"], str(attributes[c.RETRACTED])))
            continue
        target = document["span_id"]
        if c.STAGE_BEGUN in attributes or c.WAIT_BEGUN in attributes:
            target = str(attributes[c.STAGE_ID]) if c.STAGE_BEGUN in attributes else target
            begun.add(target)
        elif not any(name in attributes for name in _DECLARING):
            # The run or wait of an end that knew its begin; any other was measured, not declared.
            target = str(attributes.get(c.WAIT_ID) or attributes.get(c.STAGE_ID))
            if target not in begun:
                continue
        words.append(_word(document, target))
    return [word for word in words if (word.cycle_id, word.id) not in retracted]


def _spans(directory: Path) -> Iterator[SpanDocument]:
    """Yield the spans that can be words, or retract some, in the order of recording."""
    from cycletrace._internal.journal.documents import parse
    from cycletrace._internal.journal.files import list_journals

    for path in list_journals(directory):
        with suppress(OSError), path.open("rb") as file:
            for line in file:
                if any(token in line for token in _TOKENS):
                    with suppress(ValueError):
                        document = parse(line)
                        if "span" in document and document["attributes"].get(c.CYCLE_KEY):
                            yield document


def _word(document: SpanDocument, target: str) -> Word:
    attributes: Mapping[str, Any] = document["attributes"]
    return Word(
        id=target,
        cycle_id=document["trace_id"],
        key=attributes[c.CYCLE_KEY],
        namespace=document["namespace"],
        model=attributes.get(c.MODEL_NAME),
        is_implicit=attributes.get(c.CYCLE_IMPLICIT) is True,
        what=_what(document),
        at=document["start"],
    )


def _what(document: SpanDocument) -> str:
    attributes = document["attributes"]
    if c.ALIAS_KEY in attributes:
        return f"{document['span']} {attributes[c.ALIAS_KEY]}"
    if c.CYCLE_OUTCOME in attributes:
        return f"{document['span']} {attributes[c.CYCLE_OUTCOME]}"
    return (
        document["span"]
        if any(name in attributes for name in (*_DECLARING, c.WAIT_ID))
        else f"stage {document['span']}"
    )


def _in_facts(args: argparse.Namespace, target: str) -> Word | None:
    """Return the stage or wait with this id that this machine knows of, if any."""
    from cycletrace._internal import local
    from cycletrace._internal.store import StoreError

    try:
        with local.snapshot(directory=options.own_directory(args)) as snapshot:
            for facts in snapshot.facts(time.time_ns(), rules=local.rules_of(snapshot)):
                stages = ((f"stage {one['name']}", one) for one in facts["stages"])
                waits = ((c.wait_span(one["reason"]), one) for one in facts["waits"])
                for what, one in (*stages, *waits):
                    if one["id"] == target and facts["key"] is not None:
                        return Word(
                            target,
                            facts["cycle_id"],
                            facts["key"],
                            facts["namespace"] or "",
                            facts["model"],
                            facts["implicit"],
                            what,
                            one["start"],
                        )
    except StoreError as error:
        raise Failure(str(error)) from None
    return None
