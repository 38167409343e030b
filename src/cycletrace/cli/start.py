"""``cycletrace start``: begin a cycle in this worktree."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import Any

from cycletrace.cli import options
from cycletrace.cli.failure import Failure
from cycletrace.conventions import STARTED, TRIGGERS


def add_parser(commands: Any) -> None:
    """Add the subcommand."""
    parser = commands.add_parser(
        "start",
        help="begin a cycle that all work in this folder joins",
        description="Begin a cycle. Every process that starts in this folder (of a git worktree: in all of it) joins "
        "it until `cycletrace close`. The cycle is kept in .cycletrace/cycle, which git ignores.",
    )
    parser.add_argument("model", type=options.some_text, help="the model's name")
    parser.add_argument(
        "--version",
        type=options.some_text,
        help="its version, where it has one already; the key is then MODEL@VERSION",
    )
    parser.add_argument("--key", type=options.some_text, help="the key itself, where it is something else")
    parser.add_argument(
        "--idea", metavar="REF", help="where the idea is written down (an issue): an alias of the cycle"
    )
    parser.add_argument("--domain", help="what it is compared with in training (default: the model alone)")
    parser.add_argument("--trigger", choices=TRIGGERS, help="why (default: idea)")
    parser.add_argument("--environment", metavar="NAME", help="where its stages run (default: production)")
    options.add_at(parser, "when the idea was there: a time with its zone, or git:REVISION (default: now)")
    parser.add_argument("--force", action="store_true", help="replace the cycle that is in this folder already")
    options.add_directory(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Begin the cycle."""
    from cycletrace.emit import marks
    from cycletrace.emit.blocks import identify
    from cycletrace.emit.worktree import FILE, FOLDER, UnsafeError, write_cycle

    state = options.emitting(args)
    top = _worktree()
    path = top / FOLDER / FILE
    if os.path.lexists(path) and not args.force:
        raise Failure(f"a cycle is begun here already ({path}). End it with `cycletrace close`, or say --force.")
    cycle = identify(
        args.model,
        args.version,
        key=args.key,
        domain=args.domain,
        trigger=args.trigger,
        environment=args.environment,
    )
    if cycle is None:
        raise Failure("the cycle cannot be begun, for the reason above.")
    try:
        write_cycle(top, cycle.to_text())
    except UnsafeError as error:
        raise Failure(f"{error}. Remove it, or begin the cycle in another folder.") from None
    except OSError as error:
        raise Failure(f"{path} cannot be written: {error.strerror}.") from None
    marks.mark(cycle, STARTED, args.at)
    if args.idea:
        marks.alias(cycle, args.idea)
    return options.recorded(state, f"{cycle.key} began. All work below {top} joins it.")


def _worktree() -> Path:
    """The top of the git worktree that we are in, else the working directory."""
    here = Path.cwd()
    return next((folder for folder in (here, *here.parents) if (folder / ".git").exists()), here)
