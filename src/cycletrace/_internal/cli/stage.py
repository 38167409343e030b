"""``cycletrace stage``: begin a stage, and end it later with another command."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, Any

from cycletrace._internal.cli import options
from cycletrace._internal.cli.failure import Failure
from cycletrace._internal.cli.reading import facts_of_cycle
from cycletrace._internal.cli.run import add_stage_options, spec_of
from cycletrace.conventions import OK, STAGE_OUTCOMES, begun_stage_id

if TYPE_CHECKING:
    from cycletrace._internal.flow import StageFacts


def add_parser(commands: Any) -> None:
    """Add the subcommand."""
    parser = commands.add_parser(
        "stage",
        help="begin and end a stage with separate commands",
        description="Begin and end a stage with separate commands. Its id is computed from cycle, name and attempt, "
        "so repeating either is harmless.",
    )
    actions = parser.add_subparsers(metavar="begin|end", required=True)
    begin = actions.add_parser("begin", help="begin a stage")
    begin.add_argument("name", help="the stage's name")
    add_stage_options(begin)
    options.add_at(begin, "when it began: a time with a zone (default: now)")
    begin.set_defaults(run=run_begin)
    end = actions.add_parser("end", help="end a stage begun by `stage begin`")
    end.add_argument("name", help="the stage's name")
    end.add_argument("--outcome", choices=STAGE_OUTCOMES, default=OK, help="how it ended (default: ok)")
    end.add_argument("--began", metavar="TIME", type=options.instant, help="when it began, if recorded elsewhere")
    add_stage_options(end)
    options.add_at(end, "when it ended: a time with a zone (default: now)")
    end.set_defaults(run=run_end)


def run_begin(args: argparse.Namespace) -> int:
    """Record that the stage began."""
    from cycletrace._internal.sdk import detached

    state = options.emitting(args)
    cycle = options.named_cycle(args, state)
    stage = begun_stage_id(cycle.cycle_id, args.name, args.attempt or 1)
    detached.begin_stage(state, cycle, spec_of(args, args.name, _by(args)), stage, args.at)
    return options.recorded(state, f"{cycle.key}: {args.name} began.")


def run_end(args: argparse.Namespace) -> int:
    """Record the finished run."""
    from cycletrace._internal.sdk import detached

    state = options.emitting(args)
    cycle = options.named_cycle(args, state)
    stage = begun_stage_id(cycle.cycle_id, args.name, args.attempt or 1)
    known = _find(args, cycle.cycle_id, stage)
    if known is not None and known["outcome"] not in {None, "lost"}:
        print(f"{cycle.key}: {args.name} had already ended.")
        return 0
    start = args.began if args.began is not None else known["start"] if known is not None else None
    if start is None:
        raise Failure(
            f"stage {args.name!r} of {cycle.key} was not begun here. Give its start with --began TIME, "
            f"or begin it: cycletrace stage begin {args.name}"
        )
    detached.end_stage(state, cycle, spec_of(args, args.name, _by(args)), stage, start, args.outcome, args.at)
    return options.recorded(state, f"{cycle.key}: {args.name} ended, {args.outcome}.")


def _by(args: argparse.Namespace) -> str | None:
    """Return the actor: as given, else a person if run in a terminal."""
    return args.by or ("person" if sys.stdin.isatty() else None)


def _find(args: argparse.Namespace, cycle: str, stage: str) -> StageFacts | None:
    facts = facts_of_cycle(options.own_directory(args), cycle)
    return next((run for run in facts["stages"] if run["id"] == stage), None) if facts is not None else None
