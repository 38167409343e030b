"""``cycletrace served``: record that a version served its first prediction."""

from __future__ import annotations

import argparse
from typing import Any

from cycletrace._internal.cli import options
from cycletrace._internal.cli.failure import Failure
from cycletrace.conventions import IN_USE, MECHANISMS, key_of


def add_parser(commands: Any) -> None:
    """Add the subcommand."""
    parser = commands.add_parser(
        "served",
        help="record that a version served its first prediction",
        description="Record that a consumer got a prediction from this version: the mark in_use. The earliest record "
        "counts. Python serving code calls cycletrace.served() instead.",
    )
    parser.add_argument("model", nargs="?", type=options.some_text, help="the model's name")
    parser.add_argument("version", nargs="?", type=options.some_text, help="its version")
    parser.add_argument("--mechanism", choices=MECHANISMS, help="how clients switch to the model")
    parser.add_argument("--environment", metavar="NAME", help="where it serves (default: production)")
    options.add_at(parser, "when: a time with a zone (default: now)")
    options.add_cycle(parser)
    options.add_directory(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Record the first use."""
    from cycletrace._internal.sdk import marks

    if args.model is not None and args.version is None:
        raise Failure(f"{args.model!r} needs a version: cycletrace served {args.model} VERSION, or --cycle KEY.")
    state = options.emitting(args)
    if args.model is not None:
        args.cycle = key_of(args.model, args.version)
    cycle = options.named_cycle(args, state)
    marks.mark(cycle, IN_USE, args.at, environment=args.environment, mechanism=args.mechanism)
    return options.recorded(state, f"{cycle.key}: in use.")
