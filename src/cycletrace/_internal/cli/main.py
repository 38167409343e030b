"""``cycletrace``: the command and its subcommands."""

from __future__ import annotations

import argparse
import errno
import logging
import os
import sys
from collections.abc import Sequence
from typing import NoReturn

from cycletrace._internal.cli import (
    apart,
    board,
    collect,
    completion,
    demo,
    doctor,
    env,
    facts,
    flush,
    imports,
    open,  # noqa: A004 - the command of that name
    record,
    report,
    retract,
    rules,
    run,
    status,
    store,
    token,
)
from cycletrace._internal.cli.failure import Failure
from cycletrace._version import __version__

MODULES = (
    *(report, board, facts, status, open),
    *(record, retract, run, apart, env, imports),
    *(flush, doctor, store, collect, rules, token, demo, completion),
)
"""Those that add commands, in the order in which the help lists them: to read, to record, to maintain."""

DESCRIPTION = "Measure MLOps cycle time: how long it takes to get a model from idea to production."
EPILOG = """\
first steps:
  cycletrace demo                take a real model from data to production and report its cycle
  cycletrace report              show the figures of your own cycles
  cycletrace COMMAND --help      show the help of one command

Every setting has an environment variable: see docs/environment.md.
"""


UNWRITABLE = {errno.ENOSPC, errno.EFBIG, errno.EIO, getattr(errno, "EDQUOT", errno.ENOSPC)}
"""Errors of a write to stdout that went to a file."""


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
    for module in MODULES:
        module.add_commands(commands)
    return whole


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command, and return its exit code: 0 success, 1 a problem was found, 2 invalid usage."""
    try:
        try:
            return _run(arguments)
        finally:
            if sys.stdout is not None:
                sys.stdout.flush()  # here, where a full disk or a closed pipe can still be reported
    except Failure as failure:
        print(f"cycletrace: {failure}", file=sys.stderr)
        return 2
    except BrokenPipeError:  # the reader of our output (`| head`) is done
        _discard_output()
        return 0
    except OSError as error:
        if error.errno not in UNWRITABLE or error.filename is not None:
            raise
        _discard_output()
        print(f"cycletrace: the output cannot be written: {error.strerror}.", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130


def _run(arguments: Sequence[str] | None) -> int:
    args, unknown = parser().parse_known_args(arguments)
    if unknown:
        args.parser.error(f"unrecognized arguments: {' '.join(unknown)}")
    if not getattr(args, "logs_itself", False):
        _log_to_stderr()
    return int(args.run(args))


def _discard_output() -> None:
    """Discard what stdout still holds, which the interpreter would try to write at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _log_to_stderr() -> None:
    """Print the library's log messages: users of a command configure no logging."""
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("cycletrace: %(message)s"))
    logging.getLogger("cycletrace").addHandler(handler)


if __name__ == "__main__":
    sys.exit(main())
