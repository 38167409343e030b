"""``cycletrace close``: say how a cycle ended, and let go of the worktree's."""

from __future__ import annotations

import argparse
from typing import Any

from cycletrace.cli import options
from cycletrace.cli.failure import Failure
from cycletrace.conventions import SAID_OUTCOMES


def add_parser(commands: Any) -> None:
    """Add the subcommand."""
    parser = commands.add_parser(
        "close",
        help="say how a cycle ended, and stop joining it here",
        description="Say how a cycle ended. Without an outcome nothing is said: a model in use needs no closing. "
        "Either way the cycle that `start` began here is joined no longer.",
    )
    parser.add_argument("outcome", nargs="?", choices=SAID_OUTCOMES, help="failed, abandoned, superseded, rolled_back")
    options.add_at(parser, "when: a time with its zone (default: now)")
    options.add_cycle(parser)
    options.add_directory(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Record the outcome."""
    from cycletrace.emit import words
    from cycletrace.emit.inherited import find_worktree_file

    state = options.emitting(args)
    cycle = options.named_cycle(args, state)
    if args.outcome is not None:
        words.close(state, cycle, args.outcome, args.at)
    path = find_worktree_file() if args.cycle is None else None
    if path is not None:
        try:
            path.unlink()
        except OSError as error:
            raise Failure(f"{path} cannot be removed: {error.strerror}.") from None
    elif args.outcome is None:
        raise Failure("say how it ended: " + ", ".join(SAID_OUTCOMES) + ".")
    return options.recorded(state, f"{cycle.key}: {args.outcome or 'joined no longer here'}.")
