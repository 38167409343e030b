"""``cycletrace import``: record the history of other systems."""

from __future__ import annotations

import argparse
import io
import json
import os
import re
import sys
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, TextIO

from cycletrace._internal import instants
from cycletrace._internal.cli import options
from cycletrace._internal.cli.failure import Failure
from cycletrace._internal.cli.options import printable
from cycletrace._internal.cli.recording import note, recorder
from cycletrace.conventions import ENVIRONMENT, KINDS, OLDER_ENVIRONMENT

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cycletrace._internal.flow import Record
    from cycletrace._internal.importers.driver import Document, Imported
    from cycletrace._internal.importers.found import Found
    from cycletrace._internal.importers.jobs import Choices
    from cycletrace._internal.importers.seen import Seen
    from cycletrace._internal.sdk.runtime import Runtime

_SHOWN = 20
"""How many problems are printed."""
_ORDER = ("stage", "wait", "heartbeat", "end", "mark", "alias", "close", "retraction")
_LONGEST = 500
"""Characters of a problem that are printed."""
_EVERY = 0.2
"""Seconds between updates of the progress."""


def add_commands(commands: Any) -> None:
    """Add the subcommands."""
    group = options.add_group(
        commands,
        "import",
        "record the history of other systems",
        "Record the history of other systems. Importing again records what is new or has changed since.",
    )
    table = options.add_command(
        group,
        "csv",
        run_csv,
        "record a table with a row for each stage, wait, mark, alias or outcome",
        "Record a table with a row for each stage, wait, mark, alias or outcome. Its first line names the columns: see "
        "docs/importing.md. Rows that cannot be used are reported and left out.",
    )
    table.add_argument("file", metavar="FILE", help="the table, in UTF-8; - for stdin")
    _add_common(table)

    actions = options.add_command(
        group,
        "github",
        run_github,
        "record runs of GitHub Actions",
        "Record runs of GitHub Actions, from GitHub's REST API or from saved answers of it. A run is a cycle, a job is "
        "a stage, and the time in the queue or until an approval is a wait. The token is that in GITHUB_TOKEN.",
    )
    actions.add_argument("paths", nargs="*", type=Path, metavar="PATH", help="saved answers: files or folders of JSON")
    actions.add_argument("--repo", metavar="OWNER/NAME", help="read the API instead, for this repository")
    actions.add_argument(
        "--api", metavar="URL", help="the API's base URL (default: GITHUB_API_URL, else https://api.github.com)"
    )
    actions.add_argument("--workflow", metavar="NAME", help="only runs of this workflow: its name or file, deploy.yml")
    actions.add_argument("--branch", metavar="NAME", help="only runs of this branch")
    _add_jobs(actions, "{model}@{run_id}", "the repository's name")
    _add_common(actions)

    requests = options.add_command(
        group,
        "otlp",
        run_otlp,
        "record what the file exporter of OpenTelemetry's Collector wrote",
        "Record what programs with cycletrace sent to a Collector of OpenTelemetry whose file exporter kept it: files "
        "with an OTLP request in JSON on each line, also compressed with gzip. All else in them is left out.",
    )
    requests.add_argument("files", nargs="+", metavar="FILE", help="files; - for stdin")
    _add_common(requests)


def _add_jobs(parser: argparse.ArgumentParser, key: str, model: str) -> None:
    """Add the options of every source of jobs, with the defaults of two of them."""
    parser.add_argument("--key", metavar="KEY", default=key, help=f"the key of a job's cycle (default: {key})")
    parser.add_argument("--model", metavar="NAME", type=options.some_text, help=f"the model (default: {model})")
    parser.add_argument("--domain", metavar="NAME", help="models to compare its training with (default: only itself)")
    parser.add_argument(
        "--kind",
        metavar="PATTERN=KIND",
        action="append",
        default=[],
        type=_kind,
        help="the kind of the jobs with such a name; may be repeated, and the first that fits counts (default: the "
        "first word of the name that is a kind)",
    )


def _kind(text: str) -> tuple[str, str]:
    pattern, _, kind = text.rpartition("=")
    if not pattern or kind not in KINDS:
        raise argparse.ArgumentTypeError(f"must be PATTERN=KIND, with one of {', '.join(KINDS)}, got {text!r}")
    return pattern, kind


def _add_common(parser: argparse.ArgumentParser) -> None:
    """Add the options of every source."""
    parser.add_argument(
        "--since", metavar="TIME", type=options.instant, help="leave out what began earlier: a time with a zone"
    )
    parser.add_argument("--dry-run", action="store_true", help="record nothing, and print what would be recorded")
    parser.add_argument("--again", action="store_true", help="also record what was imported before and is unchanged")
    parser.add_argument("--json", action="store_true", help="print the result as one JSON object")
    options.add_directory(parser)


def run_csv(args: argparse.Namespace) -> int:
    """Import a table."""
    from cycletrace._internal.importers import csv_file
    from cycletrace._internal.sdk import people

    state = recorder(args)

    def pseudonym(name: str) -> str | None:
        return people.actor(f"person:{name}", state.settings)[1]

    with _text_of(args.file) as lines:
        choices = csv_file.Choices(state.settings.namespace, pseudonym, args.since)
        return _import(args, state, csv_file.SYSTEM, (), lambda _: csv_file.read(lines, choices))


def run_github(args: argparse.Namespace) -> int:
    """Import runs of GitHub Actions."""
    from cycletrace._internal.importers import github, github_api, github_files, web

    if bool(args.paths) == (args.repo is not None):
        raise Failure("name saved answers (cycletrace import github PATH) or a repository (--repo OWNER/NAME).")
    if args.repo is not None and not re.fullmatch(r"[\w.-]+/[\w.-]+", args.repo, re.ASCII):
        raise Failure(f"--repo must be OWNER/NAME, such as octo/churn, got {args.repo!r}.")
    base = args.api or os.environ.get("GITHUB_API_URL") or github_api.BASE
    if not base.startswith(("http://", "https://")):
        raise Failure(f"--api must be a URL such as {github_api.BASE}, got {base!r}.")
    state = recorder(args)
    choices = _job_choices(args, state, github.FIELDS)
    if args.repo is None:
        return _import(args, state, github.SYSTEM, _decisive(choices), lambda _: github_files.read(args.paths, choices))
    get = web.client(github_api.api_of(base, os.environ.get("GITHUB_TOKEN", "")), note)
    decisive = (base, args.repo, *_decisive(choices))
    return _import(args, state, github.SYSTEM, decisive, lambda seen: github_api.read(get, args.repo, choices, seen))


def run_otlp(args: argparse.Namespace) -> int:
    """Import requests of OTLP."""
    from cycletrace._internal.importers import otlp_file

    state = recorder(args)
    with ExitStack() as stack:
        files = [(name, stack.enter_context(_bytes_of(name))) for name in args.files]
        find = (found for name, file in files for found in otlp_file.read(name, file, args.since))
        return _import(args, state, otlp_file.SYSTEM, (), lambda _: find)


def _job_choices(args: argparse.Namespace, state: Runtime, fields: Sequence[str]) -> Choices:
    """Return what was chosen for a source of jobs.

    Raises:
        Failure: if the key cannot be made.
    """
    from cycletrace._internal.importers.jobs import Choices, key_of

    try:
        key_of(args.key, dict.fromkeys(fields, ""))
    except ValueError as error:
        raise Failure(f"--key {error}.") from None
    return Choices(
        state.settings.namespace,
        time.time_ns(),
        args.key,
        args.model,
        args.domain,
        tuple(args.kind),
        args.since,
        getattr(args, "workflow", None),
        args.branch,
    )


def _decisive(choices: Choices) -> tuple[object, ...]:
    """Return those choices that decide which records follow from a job."""
    return choices.key, choices.model, choices.domain, *choices.kinds


def _text_of(name: str) -> TextIO:
    """Open a text file, or stdin. Bytes that are not UTF-8 become lone surrogates.

    Raises:
        Failure: if it cannot be opened.
    """
    return io.TextIOWrapper(_bytes_of(name), encoding="utf-8", errors="surrogateescape", newline="")


def _bytes_of(name: str) -> BinaryIO:
    """Open a file, or stdin.

    Raises:
        Failure: if it cannot be opened.
    """
    try:
        return sys.stdin.buffer if name == "-" else Path(name).open("rb")
    except OSError as error:
        raise Failure(f"{name} cannot be read: {error.strerror}.") from None


def _import(
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
        with _progress() as progress:
            done = driver.run(find(known), known, take, time.time_ns(), progress)
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


@contextmanager
def _progress() -> Generator[Callable[[int], None], None, None]:
    """Show in a terminal how many items were read."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    shown = 0.0

    def show(count: int) -> None:
        nonlocal shown
        if time.monotonic() >= shown + _EVERY:
            shown = time.monotonic()
            print(f"\r{count:,} read", end="", file=sys.stderr, flush=True)

    try:
        yield show
    finally:
        print("\r\033[K", end="", file=sys.stderr, flush=True)


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
    from cycletrace._internal.importers.driver import type_of

    shown = [{"type": type_of(one), **one._asdict(), "origin": one.origin._asdict()} for one in made]
    return {**result, "made": shown}


def _print_table(made: Sequence[Record]) -> None:
    """Print what would be made: a line for each record."""
    if not made:
        return
    rows = [("CYCLE", "RECORD", "NAME", "START", "END", "OUTCOME"), *map(_row, made)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


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
