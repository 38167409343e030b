"""``cycletrace completion``: print a script that completes commands, options and their values in a shell."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cycletrace._internal.cli import options
from cycletrace._internal.cli.failure import require

SHELLS = ("bash", "zsh", "fish")


def add_commands(commands: Any) -> None:
    """Add the subcommand."""
    parser = options.add_command(
        commands,
        "completion",
        run,
        "complete commands and options in your shell",
        "Print a script that makes your shell complete the commands, options and values of cycletrace. In bash: "
        'eval "$(cycletrace completion bash)", also as a line of ~/.bashrc.',
    )
    parser.add_argument("shell", choices=SHELLS, metavar="SHELL", help=f"the shell: {', '.join(SHELLS)}")


def run(args: argparse.Namespace) -> int:
    """Print the script."""
    require("completion", ("shtab",), "report")
    import shtab

    from cycletrace._internal.cli.main import parser

    whole = parser()
    for action in _actions(whole):
        if action.type in {Path, options.location}:
            action.complete = shtab.DIRECTORY if action.metavar == "DIR" else shtab.FILE  # type: ignore[attr-defined]
    print(shtab.complete(whole, args.shell))
    return 0


def _actions(parser: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    """Yield the arguments of a parser and of all commands below it."""
    for action in parser._actions:  # noqa: SLF001 - argparse has no other way to list them
        yield action
        if isinstance(action.choices, dict):  # the commands below it, by name
            for inner in action.choices.values():
                yield from _actions(inner)
