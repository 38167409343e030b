"""Options that several commands share, and what they mean."""

from __future__ import annotations

import argparse
import math
import re
import subprocess
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING

from cycletrace.cli.failure import Failure

if TYPE_CHECKING:
    from cycletrace.emit.cycles import CycleRef
    from cycletrace.emit.runtime import Runtime


def add_directory(parser: argparse.ArgumentParser) -> None:
    """``--dir``, for every command."""
    parser.add_argument(
        "--dir", type=Path, metavar="DIR", help="the state directory, with journal and store (default: CYCLETRACE_DIR)"
    )


def add_cycle(parser: argparse.ArgumentParser) -> None:
    """``--cycle``, for commands that say something of a cycle."""
    parser.add_argument(
        "--cycle",
        metavar="KEY",
        help="the cycle's key (default: CYCLETRACE_CYCLE, else the one that `start` began here)",
    )


def add_at(parser: argparse.ArgumentParser, help_text: str) -> None:
    """``--at``, an instant."""
    parser.add_argument("--at", metavar="TIME", type=instant, help=help_text)


def some_text(text: str) -> str:
    """A text of at least one character.

    Raises:
        argparse.ArgumentTypeError: of none.
    """
    if not text:
        raise argparse.ArgumentTypeError("it needs at least one character")
    return text


def seconds(text: str) -> float:
    """A length of time in seconds.

    Raises:
        argparse.ArgumentTypeError: with the sentence that helps.
    """
    try:
        length = float(text)
    except ValueError:
        length = math.nan
    if not 0 <= length < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of seconds: write 30")
    return length


_LATEST = (1 << 63) - 1
"""The latest instant that a store can hold."""


def instant(text: str) -> int:
    """UTC nanoseconds of a time as users write it: ISO 8601 with a zone, ``git:REVISION``, or nanoseconds.

    Raises:
        argparse.ArgumentTypeError: with the sentence that helps.
    """
    if re.fullmatch("[0-9]+", text):
        at = int(text)
    elif text.startswith("git:"):
        at = _commit_time(text.removeprefix("git:"))
    else:
        at = _iso_time(text)
    if not 0 < at <= _LATEST:
        raise argparse.ArgumentTypeError(f"{text!r} is not between 1970 and 2262")
    return at


def _iso_time(text: str) -> int:
    # datetime knows no nanoseconds, and before Python 3.11 no Z.
    parted = re.fullmatch(r"(.+:\d\d)\.(\d{1,9})(\D.*)?", text)
    whole, fraction = (parted[1] + (parted[3] or ""), parted[2]) if parted else (text, "")
    try:
        at = datetime.fromisoformat(whole.removesuffix("Z") + "+00:00" if whole.endswith("Z") else whole)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no time: write 2026-11-24T09:30:00Z, git:REVISION, or UTC nanoseconds"
        ) from None
    if at.tzinfo is None:
        raise argparse.ArgumentTypeError(
            f"{text!r} has no time zone: write it as {at.isoformat()}Z for UTC, or {at.isoformat()}+01:00"
        )
    since = at - datetime(1970, 1, 1, tzinfo=timezone.utc)
    return (since.days * 86_400 + since.seconds) * 1_000_000_000 + int(fraction.ljust(9, "0"))


def _commit_time(revision: str) -> int:
    command = ["git", "show", "--no-patch", "--format=%ct", "--end-of-options", revision]
    try:
        found = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603 - git, and a revision
        return int(found.stdout.split()[0]) * 1_000_000_000
    except (OSError, subprocess.CalledProcessError, ValueError, IndexError):
        raise argparse.ArgumentTypeError(f"git knows no commit {revision!r} here") from None


def state_directory(args: argparse.Namespace) -> Path:
    """The state directory that was chosen, or the user's own."""
    from cycletrace.emit.settings import CHOSEN, directory

    if args.dir is not None:
        CHOSEN["directory"] = args.dir
    return directory()


def own_directory(args: argparse.Namespace) -> Path:
    """Return the state directory, to read what is in it.

    Raises:
        Failure: where somebody else could have put it there.
    """
    from cycletrace.journal.ownership import refuse_directory

    directory = state_directory(args)
    reason = refuse_directory(directory)
    if reason is not None:
        raise Failure(f"{reason}, so what is in it is not read. Choose another: --dir, or CYCLETRACE_DIR.")
    return directory


def emitting(args: argparse.Namespace) -> Runtime:
    """The machinery that records, writing where the command was told to.

    Raises:
        Failure: where it is disabled.
    """
    from cycletrace.emit.runtime import runtime

    state_directory(args)
    state = runtime()
    if state is None:
        raise Failure("CYCLETRACE_DISABLED is set, so nothing is recorded. Unset it and try again.")
    return state


def named_cycle(args: argparse.Namespace, state: Runtime) -> CycleRef:
    """The cycle that a command is about.

    Raises:
        Failure: where there is none.
    """
    from cycletrace.emit.cycles import from_key

    if args.cycle is not None:
        try:
            return from_key(args.cycle, state.settings.namespace)
        except ValueError as error:
            raise Failure(f"--cycle: {error}") from None
    if state.inherited is None:
        raise Failure("no cycle is known here. Say --cycle KEY, or begin one: cycletrace start MODEL")
    return state.inherited.cycle


def recorded(state: Runtime, what: str) -> int:
    """Say what was recorded. Returns the exit code.

    Raises:
        Failure: where no journal could take it.
    """
    if state.writer.pending:
        raise Failure(f"the journal in {state.settings.directory} cannot be written, so this is not recorded.")
    print(what)
    return 0
