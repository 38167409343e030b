"""``cycletrace close``: declare how a cycle ended, and stop joining it in this worktree."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from cycletrace._internal.cli import options
from cycletrace._internal.cli.failure import Failure
from cycletrace.conventions import DECLARED_OUTCOMES

if TYPE_CHECKING:
    from cycletrace._internal.sdk.cycles import CycleRef


def add_parser(commands: Any) -> None:
    """Add the subcommand."""
    parser = commands.add_parser(
        "close",
        help="declare how a cycle ended, and stop joining it here",
        description="Declare how a cycle ended. A model that is in use needs no outcome. With or without one, if "
        "`start` began this cycle here, processes no longer join it.",
    )
    parser.add_argument(
        "outcome", nargs="?", choices=DECLARED_OUTCOMES, help="failed, abandoned, superseded, rolled_back"
    )
    options.add_at(parser, "when: a time with a zone (default: now)")
    options.add_cycle(parser)
    options.add_directory(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Record the outcome."""
    from cycletrace._internal.sdk import marks

    state = options.emitting(args)
    cycle = options.named_cycle(args, state)
    if args.outcome is not None:
        marks.close(cycle, args.outcome, args.at)
    if not _let_go(cycle) and args.outcome is None:
        raise Failure(
            f"an outcome is needed, one of {', '.join(DECLARED_OUTCOMES)}: cycletrace close {DECLARED_OUTCOMES[0]}"
        )
    return options.recorded(state, f"{cycle.key}: {args.outcome or 'no longer joined here'}.")


def _let_go(cycle: CycleRef) -> bool:
    """Remove the worktree's cycle if it is this one, and return whether it was.

    Raises:
        Failure: if its file cannot be removed.
    """
    from cycletrace._internal.sdk.cycles import from_text
    from cycletrace._internal.sdk.worktree import find_cycle

    found = find_cycle()
    if found is None:
        return False
    path, line = found
    try:
        if from_text(line, cycle.namespace).cycle_id != cycle.cycle_id:
            return False
        path.unlink()
    except ValueError:  # it names no cycle, which was logged
        return False
    except OSError as error:
        raise Failure(f"{path} cannot be removed: {error.strerror}.") from None
    return True
