"""``cycletrace alias``: say that another key is of the same cycle."""

from __future__ import annotations

import argparse
from typing import Any

from cycletrace.cli import options


def add_parser(commands: Any) -> None:
    """Add the subcommand."""
    parser = commands.add_parser(
        "alias",
        help="say that another key is of the same cycle",
        description="Say that another key, learnt later, is of the same cycle: of the registry (churn@7), a git "
        "revision, a run of a tracker. What carries that key then belongs to this cycle.",
    )
    parser.add_argument("key", type=options.some_text, help="the other key")
    options.add_cycle(parser)
    options.add_directory(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Record the alias."""
    from cycletrace.emit import marks

    state = options.emitting(args)
    cycle = options.named_cycle(args, state)
    marks.alias(cycle, args.key)
    return options.recorded(state, f"{args.key} is {cycle.key}.")
