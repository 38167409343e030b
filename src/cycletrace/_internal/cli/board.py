"""``cycletrace board``: the report as a live page."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from cycletrace._internal.address import Address, parse_local_address
from cycletrace._internal.cli import options, reading
from cycletrace._internal.cli.failure import Failure, require

if TYPE_CHECKING:
    from cycletrace._internal.board.source import Source

DEFAULT = "127.0.0.1:4319"


def add_commands(commands: Any) -> None:
    """Add the subcommand."""
    parser = options.add_command(
        commands,
        "board",
        run,
        "serve the report as a live page",
        "Serve the pages of the report on this machine, live. Prints the address "
        "and runs until Ctrl-C. Nothing can be changed through it.",
    )
    parser.add_argument(
        "--listen", type=local_address, default=DEFAULT, metavar="HOST:PORT", help=f"the address (default: {DEFAULT})"
    )
    parser.add_argument("--open", action="store_true", help="also open the page in a browser")
    options.add_store(parser)
    options.add_directory(parser)


def local_address(text: str) -> Address:
    """Return an address of this machine that no other machine can reach.

    Raises:
        argparse.ArgumentTypeError: if it is not one.
    """
    try:
        return parse_local_address(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"is {error}") from None


def run(args: argparse.Namespace) -> int:
    """Serve the board until a signal ends it."""
    require("the board", ("aiohttp", "numpy"), "collector")
    from cycletrace._internal.board.board import Board
    from cycletrace._internal.board.server import ListenError
    from cycletrace._internal.board.server import run as serve
    from cycletrace._internal.store import StoreError

    source = _source(args)
    try:
        source.version()
    except StoreError as error:
        raise Failure(str(error)) from None

    def started(address: Address) -> None:
        print(f"The board is at http://{address}/. Ctrl-C ends it.", flush=True)
        if args.open:
            import webbrowser

            webbrowser.open(f"http://{address}/")

    try:
        serve(Board(source, reading.trace_links()), args.listen, started)
    except ListenError as error:
        raise Failure(f"Cannot listen on {args.listen}: {error}. Stop what uses it, or choose another.") from None
    return 0


def _source(args: argparse.Namespace) -> Source:
    """Return the store that was chosen; by default this machine's, with all that its journals hold."""
    from cycletrace._internal import local
    from cycletrace._internal.board.source import Source
    from cycletrace._internal.store import FILE

    if args.store is not None and args.dir is None:
        return Source(args.store, rules=local.rules_of)
    directory = options.own_directory(args)
    location = args.store or directory / FILE
    return Source(location, lambda: local.ingested(directory, location).close(), local.rules_of)
