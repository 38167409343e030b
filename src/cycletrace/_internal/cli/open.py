"""``cycletrace open``: open a cycle's trace in Jaeger."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from cycletrace._internal.cli import options, reading
from cycletrace._internal.cli.failure import Failure


def add_commands(commands: Any) -> None:
    """Add the subcommand."""
    parser = options.add_command(
        commands,
        "open",
        run,
        "open a cycle's trace in Jaeger",
        "Print the link to a cycle's trace in Jaeger, and open it in a browser if run in a terminal. "
        "Trace ids are computed from the key, so this also works for open cycles and those of other machines.",
    )
    parser.add_argument("key", nargs="?", metavar="KEY", help="the cycle's key (default: the current cycle)")
    parser.add_argument("--namespace", metavar="NAME", help="its team (default: CYCLETRACE_NAMESPACE)")
    parser.add_argument("--print", action="store_true", help="only print the link")
    options.add_directory(parser)


def run(args: argparse.Namespace) -> int:
    """Print the link, and open it in a browser if stdout is a terminal."""
    link = reading.trace_links()(_cycle_id(args))
    if link is None:
        raise Failure(
            f"{reading.JAEGER_URL} is not set. Set it to Jaeger's URL: export {reading.JAEGER_URL}=http://127.0.0.1:16686"
        )
    print(link, flush=True)
    if not args.print and sys.stdout.isatty():
        import webbrowser

        webbrowser.open(link)
    return 0


def _cycle_id(args: argparse.Namespace) -> str:
    from cycletrace._internal.sdk.inherited import find_inherited
    from cycletrace._internal.sdk.settings import read
    from cycletrace.conventions import cycle_id

    directory = options.own_directory(args)
    namespace = read().namespace if args.namespace is None else args.namespace
    if args.key:
        made = cycle_id(namespace, args.key)
        facts = reading.facts_of_cycle(directory, made)
        return made if facts is None else facts["cycle_id"]  # a different id if the key is an alias
    known = find_inherited(namespace)
    if known is None:
        raise Failure("there is no current cycle. Name one: cycletrace open KEY")
    return known.cycle.cycle_id
