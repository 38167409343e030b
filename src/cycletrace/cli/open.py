"""``cycletrace open``: from a key to the cycle's trace in Jaeger."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from cycletrace.cli import options, reading
from cycletrace.cli.failure import Failure
from cycletrace.cli.jaeger import JAEGER_URL, trace_links


def add_parser(commands: Any) -> None:
    """Add the subcommand."""
    parser = commands.add_parser(
        "open",
        help="open a cycle's trace in Jaeger",
        description="Print the link to a cycle's trace in Jaeger, and on a terminal open it in the browser. The id of "
        "the trace is made from the key, so the link also leads to a cycle of other machines, and to one that is open.",
    )
    parser.add_argument("key", nargs="?", metavar="KEY", help="the cycle's key (default: as for --cycle)")
    parser.add_argument("--namespace", metavar="NAME", help="its team (default: CYCLETRACE_NAMESPACE)")
    parser.add_argument("--print", action="store_true", help="only print the link")
    options.add_directory(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Print the link, and open it where somebody sees it."""
    link = trace_links()(_cycle_id(args))
    if link is None:
        raise Failure(f"{JAEGER_URL} is not set. Say where Jaeger is: export {JAEGER_URL}=http://127.0.0.1:16686")
    print(link, flush=True)
    if not args.print and sys.stdout.isatty():
        import webbrowser

        webbrowser.open(link)
    return 0


def _cycle_id(args: argparse.Namespace) -> str:
    from cycletrace.conventions import cycle_id
    from cycletrace.emit.inherited import find_inherited
    from cycletrace.emit.settings import read

    directory = options.own_directory(args)
    namespace = read().namespace if args.namespace is None else args.namespace
    if args.key:
        made = cycle_id(namespace, args.key)
        facts = reading.facts_of_cycle(directory, made)
        return made if facts is None else facts["cycle_id"]  # another one's, where the key is an alias
    known = find_inherited(namespace)
    if known is None:
        raise Failure("no cycle is known here. Say which: cycletrace open KEY")
    return known.cycle.cycle_id
