"""``cycletrace start``: begin a cycle in this worktree."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import Any

from cycletrace._internal.cli import options
from cycletrace._internal.cli.failure import Failure
from cycletrace.conventions import STARTED, TRIGGERS


def add_parser(commands: Any) -> None:
    """Add the subcommand."""
    parser = commands.add_parser(
        "start",
        help="begin a cycle that all work in this directory joins",
        description="Begin a cycle. Every process that starts in this directory (in a git worktree: anywhere in it) "
        "joins it, until `cycletrace close`. The cycle is stored in .cycletrace/cycle, which git ignores.",
    )
    parser.add_argument("model", type=options.some_text, help="the model's name")
    parser.add_argument(
        "--version",
        type=options.some_text,
        help="its version, if it already has one; the key is then MODEL@VERSION",
    )
    parser.add_argument("--key", type=options.some_text, help="the key, if it is not MODEL@VERSION")
    parser.add_argument(
        "--idea", metavar="REF", help="where the idea is written down, such as an issue; becomes an alias"
    )
    parser.add_argument("--domain", help="models to compare its training with (default: only itself)")
    parser.add_argument("--trigger", choices=TRIGGERS, help="why the cycle began (default: idea)")
    parser.add_argument("--environment", metavar="NAME", help="where its stages take effect (default: production)")
    options.add_at(parser, "when the idea came up: a time with a zone, or git:REVISION (default: now)")
    parser.add_argument("--force", action="store_true", help="replace the cycle already begun in this directory")
    options.add_directory(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Begin the cycle."""
    from cycletrace._internal.sdk import marks
    from cycletrace._internal.sdk.blocks import identify
    from cycletrace._internal.sdk.worktree import FILE, FOLDER, UnsafeError, write_cycle

    state = options.emitting(args)
    top = _worktree()
    path = top / FOLDER / FILE
    if os.path.lexists(path) and not args.force:
        raise Failure(f"a cycle has already begun here ({path}). End it with `cycletrace close`, or pass --force.")
    cycle = identify(
        args.model,
        args.version,
        key=args.key,
        domain=args.domain,
        trigger=args.trigger,
        environment=args.environment,
    )
    if cycle is None:
        raise Failure("the cycle could not begin, for the reason above.")
    try:
        write_cycle(top, cycle.to_text())
    except UnsafeError as error:
        raise Failure(f"{error}. Remove it, or begin the cycle in another directory.") from None
    except OSError as error:
        raise Failure(f"{path} cannot be written: {error.strerror}.") from None
    marks.mark(cycle, STARTED, args.at)
    if args.idea:
        marks.alias(cycle, args.idea)
    return options.recorded(state, f"{cycle.key} began. All work below {top} joins it.")


def _worktree() -> Path:
    """Return the root of the current git worktree, else the working directory."""
    here = Path.cwd()
    return next((folder for folder in (here, *here.parents) if (folder / ".git").exists()), here)
