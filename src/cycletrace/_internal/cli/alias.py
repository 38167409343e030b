"""``cycletrace alias``: add another key for a cycle."""

from __future__ import annotations

import argparse
from typing import Any

from cycletrace._internal.cli import options


def add_parser(commands: Any) -> None:
    """Add the subcommand."""
    parser = commands.add_parser(
        "alias",
        help="add another key for a cycle",
        description="Add another key for a cycle, such as a registry version (churn@7), a git revision or a tracker's "
        "run id. Everything recorded under that key then belongs to this cycle.",
    )
    parser.add_argument("key", type=options.some_text, help="the other key")
    options.add_cycle(parser)
    options.add_directory(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Record the alias."""
    from cycletrace._internal.sdk import marks

    state = options.emitting(args)
    cycle = options.named_cycle(args, state)
    marks.alias(cycle, args.key)
    return options.recorded(state, f"{args.key} is an alias of {cycle.key}.")
