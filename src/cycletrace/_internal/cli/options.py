"""Commands and the options that several of them share, and the values that they accept."""

from __future__ import annotations

import argparse
import math
import subprocess
import time
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cycletrace._internal import instants
from cycletrace._internal.cli.failure import Failure

if TYPE_CHECKING:
    from cycletrace._internal.store import Location


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


def add_store(parser: argparse.ArgumentParser) -> None:
    """Add ``--store``, for commands that read."""
    parser.add_argument(
        "--store",
        type=location,
        metavar="STORE",
        help="the store to read, such as a running collector's: a file, or the postgresql:// URL of a database; "
        "with --dir, its journals are read into it",
    )


def location(text: str) -> Location:
    """Return where a store is."""
    from cycletrace._internal.store import parse_location

    return parse_location(text)


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


def printable(text: str, most: int = 80) -> str:
    """Return a text of somebody else as one printable line of at most this many characters."""
    sound = "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text)
    return sound if len(sound) <= most else sound[: most - 1] + "\N{HORIZONTAL ELLIPSIS}"


def print_table(rows: Sequence[Sequence[str]]) -> None:
    """Print rows of as many cells each, in columns."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


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
    try:
        if text.startswith("git:"):
            return instants.check(_commit_time(text.removeprefix("git:")), text)
        return instants.parse(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


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
