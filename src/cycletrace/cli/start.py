"""``cycletrace start``: begin a cycle in this worktree."""

from __future__ import annotations

import argparse
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
    from cycletrace.emit import words
    from cycletrace.emit.entry import identify
    from cycletrace.emit.inherited import WORKTREE_FILE

    state = options.emitting(args)
    path = _worktree() / WORKTREE_FILE
    if path.exists() and not args.force:
        raise Failure(f"a cycle is begun here already ({path}). End it with `cycletrace close`, or say --force.")
    cycle = identify(
        args.model,
        args.version,
        key=args.key,
        domain=args.domain,
        trigger=args.trigger,
        environment=args.environment,
    )
    try:
        path.parent.mkdir(exist_ok=True)
        (path.parent / ".gitignore").write_text("*\n", encoding="ascii")
        path.write_text(cycle.to_text() + "\n", encoding="utf-8")
    except OSError as error:
        raise Failure(f"{path} cannot be written: {error.strerror}.") from None
    words.mark(state, cycle, STARTED, args.at)
    if args.idea:
        words.alias(state, cycle, args.idea)
    return options.recorded(state, f"{cycle.key} began. All work below {path.parent.parent} joins it.")


def _worktree() -> Path:
    """The top of the git worktree that we are in, else the working directory."""
    here = Path.cwd()
    return next((folder for folder in (here, *here.parents) if (folder / ".git").exists()), here)
