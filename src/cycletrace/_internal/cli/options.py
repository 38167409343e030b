"""Options that several commands share, and their parsers."""

from __future__ import annotations

import argparse
import math
import re
import subprocess
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING

from cycletrace._internal.cli.failure import Failure

if TYPE_CHECKING:
    from cycletrace._internal.sdk.cycles import CycleRef
    from cycletrace._internal.sdk.runtime import Runtime


def add_directory(parser: argparse.ArgumentParser) -> None:
    """Add ``--dir``."""
    parser.add_argument(
        "--dir", type=Path, metavar="DIR", help="the state directory, with journal and store (default: CYCLETRACE_DIR)"
    )


def add_cycle(parser: argparse.ArgumentParser) -> None:
    """Add ``--cycle``, for commands that record."""
    parser.add_argument(
        "--cycle",
        metavar="KEY",
        help="the cycle's key (default: CYCLETRACE_CYCLE, else the one that `start` began here)",
    )


def add_at(parser: argparse.ArgumentParser, help_text: str) -> None:
    """Add ``--at``, an instant."""
    parser.add_argument("--at", metavar="TIME", type=instant, help=help_text)


def some_text(text: str) -> str:
    """Return a non-empty text.

    Raises:
        argparse.ArgumentTypeError: if it is empty.
    """
    if not text:
        raise argparse.ArgumentTypeError("must not be empty")
    return text


def seconds(text: str) -> float:
    """Return a duration in seconds.

    Raises:
        argparse.ArgumentTypeError: if it is not one.
    """
    try:
        length = float(text)
    except ValueError:
        length = math.nan
    if not 0 <= length < math.inf:
        raise argparse.ArgumentTypeError(f"must be a number of seconds such as 30, got {text!r}")
    return length


_LATEST = (1 << 63) - 1
"""The latest instant that a store can hold."""


def instant(text: str) -> int:
    """Return the UTC nanoseconds of a time: ISO 8601 with a zone, ``git:REVISION``, or UTC nanoseconds.

    Raises:
        argparse.ArgumentTypeError: if it is not a time, has no zone, or is out of range.
    """
    if re.fullmatch("[0-9]+", text):
        at = int(text)
    elif text.startswith("git:"):
        at = _commit_time(text.removeprefix("git:"))
    else:
        at = _iso_time(text)
    if not 0 < at <= _LATEST:
        raise argparse.ArgumentTypeError(f"must be between 1970 and 2262, got {text!r}")
    return at


def _iso_time(text: str) -> int:
    # datetime does not parse nanoseconds, nor Z before Python 3.11.
    parted = re.fullmatch(r"(.+:\d\d)\.(\d{1,9})(\D.*)?", text)
    whole, fraction = (parted[1] + (parted[3] or ""), parted[2]) if parted else (text, "")
    try:
        at = datetime.fromisoformat(whole.removesuffix("Z") + "+00:00" if whole.endswith("Z") else whole)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"must be a time such as 2026-11-24T09:30:00Z, git:REVISION, or UTC nanoseconds, got {text!r}"
        ) from None
    if at.tzinfo is None:
        raise argparse.ArgumentTypeError(
            f"must have a time zone, got {text!r}: write {at.isoformat()}Z for UTC, or {at.isoformat()}+01:00"
        )
    since = at - datetime(1970, 1, 1, tzinfo=timezone.utc)
    return (since.days * 86_400 + since.seconds) * 1_000_000_000 + int(fraction.ljust(9, "0"))


def _commit_time(revision: str) -> int:
    command = ["git", "show", "--no-patch", "--format=%ct", "--end-of-options", revision]
    try:
        found = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603 - git, and a revision
        return int(found.stdout.split()[0]) * 1_000_000_000
    except (OSError, subprocess.CalledProcessError, ValueError, IndexError):
        raise argparse.ArgumentTypeError(f"must be a commit in this repository, got {revision!r}") from None


def state_directory(args: argparse.Namespace) -> Path:
    """Return the chosen state directory, by default the user's own."""
    from cycletrace._internal.sdk.settings import CHOSEN, directory

    if args.dir is not None:
        CHOSEN["directory"] = args.dir
    return directory()


def own_directory(args: argparse.Namespace) -> Path:
    """Return the state directory, for reading.

    Raises:
        Failure: if another user could have written to it.
    """
    from cycletrace._internal.journal.ownership import refuse_directory

    directory = state_directory(args)
    reason = refuse_directory(directory)
    if reason is not None:
        raise Failure(f"{reason}, so it is not read. Choose another with --dir or CYCLETRACE_DIR.")
    return directory


def emitting(args: argparse.Namespace) -> Runtime:
    """Return the recorder, which writes to the chosen directory.

    Raises:
        Failure: if cycletrace is disabled.
    """
    from cycletrace._internal.sdk.runtime import runtime

    state_directory(args)
    state = runtime()
    if state is None:
        raise Failure("CYCLETRACE_DISABLED is set, so nothing is recorded. Unset it and try again.")
    return state


def named_cycle(args: argparse.Namespace, state: Runtime) -> CycleRef:
    """Return the cycle that a command applies to.

    Raises:
        Failure: if there is none.
    """
    from cycletrace._internal.sdk.cycles import from_key

    if args.cycle is not None:
        try:
            return from_key(args.cycle, state.settings.namespace)
        except ValueError as error:
            raise Failure(f"--cycle: {error}") from None
    if state.inherited is None:
        raise Failure("there is no current cycle. Name one with --cycle KEY, or begin one: cycletrace start MODEL")
    return state.inherited.cycle


def recorded(state: Runtime, what: str) -> int:
    """Print what was recorded, and return the exit code.

    Raises:
        Failure: if it could not be written to a journal.
    """
    if state.writer.pending:
        raise Failure(f"the journal in {state.settings.directory} is not writable, so this was not recorded.")
    print(what)
    return 0
