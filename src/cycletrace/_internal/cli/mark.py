"""``cycletrace mark``: declare that a cycle reached a mark."""

from __future__ import annotations

import argparse
from typing import Any

from cycletrace._internal.cli import options
from cycletrace.conventions import MARKS, MECHANISMS


def add_parser(commands: Any) -> None:
    """Add the subcommand."""
    parser = commands.add_parser(
        "mark",
        help="declare that a cycle reached a mark",
        description="Declare that a cycle reached a mark. A declared mark takes precedence over a derived one; the "
        "earliest declaration counts.",
    )
    parser.add_argument("name", choices=MARKS, help="started, trained, selected, deployed or in_use")
    options.add_at(parser, "when: a time with a zone, or git:REVISION (default: now)")
    parser.add_argument("--environment", metavar="NAME", help="where (default: production)")
    parser.add_argument("--mechanism", choices=MECHANISMS, help="how clients switch to the model")
    options.add_cycle(parser)
    options.add_directory(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Record the mark."""
    from cycletrace._internal.sdk import marks

    state = options.emitting(args)
    cycle = options.named_cycle(args, state)
    marks.mark(cycle, args.name, args.at, environment=args.environment, mechanism=args.mechanism)
    return options.recorded(state, f"{cycle.key}: {args.name}.")
