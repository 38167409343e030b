"""``cycletrace``: the command and its subcommands."""

from __future__ import annotations

import argparse
import logging
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import NoReturn

from cycletrace._internal.cli.failure import Failure
from cycletrace._version import __version__

GROUPS = {
    "read": ("report", "facts", "status", "open"),
    "record": ("start", "mark", "served", "alias", "close"),
    "wrap": ("run", "stage", "wait", "env"),
    "maintain": ("flush", "doctor", "store", "collect", "demo"),
}
"""Modules with one subcommand each, in the order in which the help lists them."""

DESCRIPTION = "Measure MLOps cycle time: how long it takes to get a model from idea to production."
EPILOG = """\
first steps:
  cycletrace demo                take a real model from data to production and report its cycle
  cycletrace report              show the figures of your own cycles
  cycletrace COMMAND --help      show the help of one command

Every setting has an environment variable: see docs/environment.md.
"""


class Parser(argparse.ArgumentParser):
    """A parser whose errors also name the help."""

    def error(self, message: str) -> NoReturn:
        """Print what is wrong and exit with 2."""
        self.print_usage(sys.stderr)
        self.exit(2, f"{self.prog}: {message}\nFor help: {self.prog} --help\n")


def parser() -> argparse.ArgumentParser:
    """Return the parser of the whole command line."""
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
            import_module(f"cycletrace._internal.cli.{name}").add_parser(commands)
    for command in commands.choices.values():
        command.set_defaults(asked=command)
    return whole


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command, and return its exit code: 0 success, 1 a problem was found, 2 invalid usage."""
    args, unknown = parser().parse_known_args(arguments)
    if unknown:
        args.asked.error(f"unrecognized arguments: {' '.join(unknown)}")
    if not getattr(args, "logs_itself", False):
        _log_to_stderr()
    try:
        return int(args.run(args))
    except Failure as failure:
        print(f"cycletrace: {failure}", file=sys.stderr)
        return 2
    except BrokenPipeError:  # the reader of our output (`| head`) is done
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        return 130


def _log_to_stderr() -> None:
    """Print the library's log messages: users of a command configure no logging."""
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("cycletrace: %(message)s"))
    logging.getLogger("cycletrace").addHandler(handler)


if __name__ == "__main__":
    sys.exit(main())
