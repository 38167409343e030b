"""``cycletrace facts``: all that is known of each cycle, to the nanosecond."""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any

from cycletrace.cli import reading


def add_parser(commands: Any) -> None:
    """Add the subcommand."""
    parser = commands.add_parser(
        "facts",
        help="all that is known of each cycle, as JSON Lines",
        description="Print the facts of each cycle, one JSON object a line, instants and lengths in nanoseconds. Every "
        "figure of the report is made from them.",
    )
    reading.add_selection(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Print the facts."""
    found = False
    with reading.store_of(args) as store:
        for facts in reading.selected_facts(args, store, reading.as_of(args)):
            print(json.dumps(facts, separators=(",", ":")))
            found = True
    if not found:
        print(reading.HINT if args.cycle is None and args.model is None else "No such cycle.", file=sys.stderr)
    return 0 if found or args.cycle is None else 1
