"""Shared code of the commands that import: what became of it, its progress, and what a dry run shows."""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from cycletrace._internal import instants
from cycletrace._internal.cli import options
from cycletrace._internal.cli.counting import counted
from cycletrace._internal.cli.failure import Failure
from cycletrace._internal.cli.options import printable
from cycletrace._internal.cli.recording import note
from cycletrace.conventions import ENVIRONMENT, OLDER_ENVIRONMENT

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cycletrace._internal.flow import Record
    from cycletrace._internal.importers.driver import Document, Imported
    from cycletrace._internal.importers.found import Found
    from cycletrace._internal.importers.seen import Seen
    from cycletrace._internal.sdk.runtime import Runtime

_SHOWN = 20
"""How many problems are printed."""
_ORDER = ("stage", "wait", "heartbeat", "end", "mark", "alias", "close", "retraction")
_LONGEST = 500
"""Characters of a problem that are printed."""


def run_import(
    args: argparse.Namespace,
    state: Runtime,
    system: str,
    choices: Sequence[object],
    find: Callable[[Seen], Iterable[Found]],
) -> int:
    """Import what a source finds, print the result, and return the exit code: 1 if something could not be used.

    ``choices`` are those that decide which records follow from an item.

    Raises:
        Failure: if nothing can be recorded.
    """
    from cycletrace._internal.importers import driver, seen
    from cycletrace._internal.journal.writer import make_private

    made: list[Record] = []
    path = seen.path_of(options.own_directory(args), system, (state.settings.namespace, *choices))
    known = seen.Seen({} if args.again else seen.load(path), None if args.dry_run else path)

    def take(records: Sequence[Record], documents: Sequence[Document]) -> None:
        if args.dry_run:
            made.extend(records)
        else:
            _journal(state, documents)

    # Where this command runs says nothing about where the others did.
    for name in (ENVIRONMENT, OLDER_ENVIRONMENT):
        state.writer.resource.pop(name, None)
    try:
        if not args.dry_run:
            make_private(state.settings.directory)
        done = driver.run(counted(find(known), "items"), known, take, time.time_ns())
    except OSError as error:
        raise Failure(f"{error.filename or state.settings.directory} cannot be used: {error.strerror}.") from None
    finally:
        state.ensure_worker().release()
    for problem in done.problems[:_SHOWN]:
        note(printable(f"{problem.where}: {problem.reason}", _LONGEST))
    if done.problem_count > _SHOWN:
        note(f"and {done.problem_count - _SHOWN:,} more problems.")
    if done.error is not None:
        note(printable(done.error, _LONGEST))
    if args.json:
        print(json.dumps(_as_json(done, made if args.dry_run else None)))
    else:
        _print_table(made)
        print(f"{'Would record' if args.dry_run else 'Recorded'} {_in_words(done)}.")
    return 1 if done.problem_count or done.error is not None else 0


def _journal(state: Runtime, documents: Sequence[Document]) -> None:
    """Write documents to the journal.

    Raises:
        Failure: if it is not writable.
    """
    from cycletrace._internal.journal.format import frame

    for document in documents:
        state.writer.write(frame(document))
    if state.writer.pending:
        state.writer.pending.clear()  # what is said to be unrecorded must not be delivered at exit after all
        raise Failure(f"the journal in {state.settings.directory} is not writable, so the import ended there.")


def _in_words(done: Imported) -> str:
    """Return how much an import made: ``2 cycles: 3 stages, 1 wait``."""
    if not done.records:
        return f"nothing: {done.unchanged:,} imported before are unchanged" if done.unchanged else "nothing"
    counts = ", ".join(_count(done.records[word], word) for word in sorted(done.records, key=_ORDER.index))
    unchanged = f"; {done.unchanged:,} imported before are unchanged" if done.unchanged else ""
    return f"{_count(done.cycles, 'cycle')}: {counts}{unchanged}"


def _count(number: int, word: str) -> str:
    return f"{number:,} {word}" if number == 1 else f"{number:,} {word}{'es' if word == 'alias' else 's'}"


def _as_json(done: Imported, made: list[Record] | None) -> dict[str, Any]:
    """Return the result as plain values; with what would be made, after a dry run."""
    result = done._asdict() | {"problems": [problem._asdict() for problem in done.problems]}
    if made is None:
        return result
    from cycletrace._internal.importers.driver import as_json

    return {**result, "made": [as_json(one) for one in made]}


def _print_table(made: Sequence[Record]) -> None:
    """Print what would be made: a line for each record."""
    if not made:
        return
    options.print_table([("CYCLE", "RECORD", "NAME", "START", "END", "OUTCOME"), *map(_row, made)])


def _row(record: Record) -> tuple[str, ...]:
    from cycletrace._internal.flow.records import Stage, Wait, began
    from cycletrace._internal.importers.driver import type_of

    end = record.end if isinstance(record, (Stage, Wait)) else None
    named: Any = record
    fields = {"Wait": "reason", "Alias": "key", "Close": "outcome", "Heartbeat": "stage", "Retraction": "target"}
    return (
        printable(record.origin.key or record.origin.cycle_id),
        type_of(record),
        printable(str(getattr(named, fields.get(type(record).__name__, "name")))),
        instants.format_utc(began(record)),
        "" if end is None else instants.format_utc(end),
        (record.outcome or "running") if isinstance(record, Stage) else "",
    )
