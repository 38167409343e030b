"""``cycletrace``: the command and its subcommands."""

from __future__ import annotations

import argparse
import logging
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import NoReturn

from cycletrace._version import __version__
from cycletrace.cli.failure import Failure

GROUPS = {
    "look": ("report", "facts", "status", "open"),
    "tell": ("start", "mark", "served", "alias", "close"),
    "wrap": ("run", "stage", "wait", "env"),
    "keep": ("flush", "doctor", "store", "collect", "demo"),
}
"""Modules of this package that bring a subcommand each, in the order in which the help lists them."""

DESCRIPTION = "MLOps cycle time: how long it takes to get a model from an idea into use."
EPILOG = """\
first steps:
  cycletrace demo                a real model from its data into use, and the report of its cycle
  cycletrace report              the figures of your own cycles
  cycletrace COMMAND --help      all about one command

Every setting can be said by an environment variable: see docs/environment.md.
"""


class Parser(argparse.ArgumentParser):
    """Says what is wrong with a command line, and where to read on."""

    def error(self, message: str) -> NoReturn:
        """Exit with 2."""
        self.print_usage(sys.stderr)
        self.exit(2, f"{self.prog}: {message}\nAll about it: {self.prog} --help\n")


def parser() -> argparse.ArgumentParser:
    """The whole command line."""
    whole = Parser(
        prog="cycletrace",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    whole.add_argument("--version", action="version", version=f"cycletrace {__version__}")
    commands = whole.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for names in GROUPS.values():
        for name in names:
            import_module(f"cycletrace.cli.{name}").add_parser(commands)
    for command in commands.choices.values():
        command.set_defaults(asked=command)
    return whole


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command. Returns its exit code: 0 done, 1 not as it should be, 2 wrongly asked."""
    args, unknown = parser().parse_known_args(arguments)
    if unknown:
        args.asked.error(f"unrecognized arguments: {' '.join(unknown)}")
    if not getattr(args, "tells_itself", False):
        _tell_on_stderr()
    try:
        return int(args.run(args))
    except Failure as failure:
        print(f"cycletrace: {failure}", file=sys.stderr)
        return 2
    except BrokenPipeError:  # the reader of our output (`| head`) has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        return 130


def _tell_on_stderr() -> None:
    """What our own code complains of goes to a log that programs configure; whoever types a command sees it so."""
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("cycletrace: %(message)s"))
    logging.getLogger("cycletrace").addHandler(handler)


if __name__ == "__main__":
    sys.exit(main())
