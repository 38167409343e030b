"""Commands and the options that several of them share, and the values that they accept."""

from __future__ import annotations

import argparse
import math
import re
import subprocess
import time
from collections.abc import Callable, Collection
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from cycletrace._internal.cli.failure import Failure
from cycletrace.conventions import FIRST_INSTANT, LAST_INSTANT


def add_command(
    commands: Any, name: str, run: Callable[[argparse.Namespace], int], summary: str, description: str | None = None
) -> argparse.ArgumentParser:
    """Add a command, and return its parser.

    The ``summary`` is for the list of commands; the help of the command itself begins with the ``description``, by
    default the same.
    """
    parser: argparse.ArgumentParser = commands.add_parser(
        name, help=summary, description=description or f"{summary[0].upper()}{summary[1:]}."
    )
    parser.set_defaults(run=run, parser=parser)
    return parser


def add_group(commands: Any, name: str, summary: str, description: str) -> Any:
    """Add a command that consists of commands, and return what these are added to."""
    parser = commands.add_parser(name, help=summary, description=description)
    return parser.add_subparsers(title="commands", metavar="COMMAND", required=True)


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
    """Add ``--at``, for commands that record."""
    parser.add_argument("--at", metavar="TIME", type=past_instant, help=help_text)


def some_text(text: str) -> str:
    """Return a non-empty text.

    Raises:
        argparse.ArgumentTypeError: if it is empty.
    """
    if not text:
        raise argparse.ArgumentTypeError("must not be empty")
    return text


def one_of(words: Collection[str]) -> Callable[[str], str]:
    """Return the type of a positional argument that may be left out, which ``choices`` do not allow everywhere."""

    def check(text: str) -> str:
        if text not in words:
            raise argparse.ArgumentTypeError(f"invalid choice: {text!r} (choose from {', '.join(words)})")
        return text

    return check


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


_DAY = 86_400_000_000_000


def past_instant(text: str) -> int:
    """Return the UTC nanoseconds of a time at which something may have happened; clocks may differ by a day.

    Raises:
        argparse.ArgumentTypeError: if it is not a time, has no zone, or is out of range.
    """
    at = instant(text)
    if at > time.time_ns() + _DAY:
        raise argparse.ArgumentTypeError(f"must not be more than a day ahead, got {text!r}")
    return at


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
    if not FIRST_INSTANT <= at <= LAST_INSTANT:
        raise argparse.ArgumentTypeError(f"must be a time from 2000 until 2100, got {text!r}{_unit_hint(text)}")
    return at


def _unit_hint(text: str) -> str:
    """Return what a number seems to mean that is no instant in nanoseconds, or an empty text."""
    for unit, size in {"seconds": 1_000_000_000, "milliseconds": 1_000_000, "microseconds": 1_000}.items():
        if re.fullmatch("[0-9]+", text) and FIRST_INSTANT <= int(text) * size <= LAST_INSTANT:
            return f". That looks like {unit}; in nanoseconds it is {int(text) * size}"
    return ""


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
