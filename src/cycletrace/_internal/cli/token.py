"""``cycletrace token``: the tokens that a collector asks for."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import Any

from cycletrace._internal.cli import options
from cycletrace._internal.cli.failure import Failure, require


def add_commands(commands: Any) -> None:
    """Add the subcommand."""
    actions = options.add_group(
        commands,
        "token",
        "make tokens for a collector: add",
        "Make the tokens that a collector with --tokens asks for.",
    )
    add = options.add_command(
        actions,
        "add",
        run,
        "make a token, and add it to a tokens file",
        "Print a new token once, and add a line about it to the tokens file, which holds only its digest. A running "
        "collector reads the line by itself.",
    )
    add.add_argument("name", metavar="NAME", help="who it is for: letters, digits, - and _")
    add.add_argument("--tokens", type=Path, metavar="FILE", required=True, help="the file, made if it does not exist")
    add.add_argument(
        "--namespace",
        metavar="NAME",
        action="append",
        default=[],
        help="a namespace whose records it may send, or * for all; may be repeated",
    )
    add.add_argument("--read", action="store_true", help="it may see the metrics and the board")


def run(args: argparse.Namespace) -> int:
    """Make a token."""
    require("cycletrace token", () if sys.version_info >= (3, 11) else ("tomli",), "collector")
    from cycletrace._internal.access import create_token, load_grants

    try:
        grants = load_grants(args.tokens) if args.tokens.exists() else ()
        if any(grant.name == args.name for grant in grants):
            raise Failure(f"{args.tokens} has a token {args.name!r} already. Choose another name, or remove its line.")
        token, line = create_token(args.name, args.namespace, reads=args.read)
        _append(args.tokens, line)
    except OSError as error:
        raise Failure(f"The tokens file {args.tokens} cannot be written: {error.strerror}.") from None
    except ValueError as error:
        raise Failure(f"The token cannot be added to {args.tokens}: {error}.") from None
    print(token)
    return 0


def _append(path: Path, line: str) -> None:
    with os.fdopen(os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600), "r+b") as file:
        size = file.seek(0, os.SEEK_END)
        if size:
            file.seek(size - 1)
            line = line if file.read(1) == b"\n" else f"\n{line}"
        file.write(line.encode())
