"""``cycletrace stage`` and ``wait``: begin a stage or a wait, and end it later with another command."""

from __future__ import annotations

import argparse
import sys
import time
from typing import TYPE_CHECKING, Any

from cycletrace._internal.cli import options
from cycletrace._internal.cli.begun import Known, known_here
from cycletrace._internal.cli.failure import Failure
from cycletrace._internal.cli.recording import note, print_recorded, recorder_and_cycle
from cycletrace._internal.cli.run import add_stage_options, spec_of
from cycletrace.conventions import (
    ACTOR_ID,
    ACTOR_TYPE,
    ENVIRONMENT,
    MECHANISM,
    MECHANISMS,
    OK,
    OLDER_ENVIRONMENT,
    REASONS,
    STAGE_ATTEMPT,
    STAGE_ID,
    STAGE_KIND,
    STAGE_LAUNCH,
    STAGE_OUTCOMES,
    STAGE_PARENT,
    begun_stage_id,
)

if TYPE_CHECKING:
    from cycletrace._internal.flow import End, Stage
    from cycletrace._internal.sdk.cycles import CycleRef
    from cycletrace._internal.sdk.runs import StageSpec
    from cycletrace._internal.sdk.runtime import Runtime


def add_commands(commands: Any) -> None:
    """Add the subcommands."""
    stage = options.add_group(
        commands,
        "stage",
        "begin and end a stage with separate commands",
        "Begin and end a stage with separate commands. Each begin is a new attempt, unless --attempt is given. An end "
        "ends the latest open begin of its name.",
    )
    begin = options.add_command(
        stage,
        "begin",
        run_stage_begin,
        "begin a stage",
        "Begin a stage, as a new attempt. In a terminal, the actor is a person unless --by is given.",
    )
    begin.add_argument("name", metavar="NAME", type=options.some_text, help="the stage's name")
    add_stage_options(begin)
    options.add_at(begin, "when it began: a time with a zone (default: now)")
    end = options.add_command(
        stage,
        "end",
        run_stage_end,
        "end a stage",
        "End a stage: the latest open one of that name, even if it was begun on another machine.",
    )
    end.add_argument("name", metavar="NAME", type=options.some_text, help="the stage's name")
    end.add_argument("--outcome", choices=STAGE_OUTCOMES, default=OK, help="how it ended (default: ok)")
    end.add_argument("--attempt", type=_attempt, metavar="N", help="only this attempt")
    end.add_argument("--environment", metavar="NAME", help="only one that takes effect there")
    end.add_argument("--mechanism", choices=MECHANISMS, help="for an activation: how clients switch to the model")
    options.add_at(end, "when it ended: a time with a zone (default: now)")
    options.add_cycle(end)
    options.add_directory(end)

    wait = options.add_group(
        commands,
        "wait",
        "begin and end a wait with separate commands",
        "Begin and end a wait of the cycle or of a stage with separate commands. Each begin is a new wait. An end ends "
        "the latest open one with its reason.",
    )
    for name, run in (("begin", run_wait_begin), ("end", run_wait_end)):
        action = options.add_command(wait, name, run, f"{name} a wait")
        action.add_argument("reason", choices=REASONS, metavar="REASON", help=", ".join(REASONS))
        action.add_argument("--stage", metavar="NAME", help="the stage that is waiting (default: the whole cycle)")
        options.add_at(action, f"when it {'began' if name == 'begin' else 'ended'}: a time with a zone (default: now)")
        options.add_cycle(action)
        options.add_directory(action)


def _attempt(text: str) -> int:
    if not text.isdecimal() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"must be a number from 1, got {text!r}")
    return int(text)


def run_stage_begin(args: argparse.Namespace) -> int:
    """Record that the stage began."""
    from cycletrace._internal.sdk import detached

    state, cycle = recorder_and_cycle(args)
    spec = spec_of(args, args.name, args.by or ("person" if sys.stdin.isatty() else None))
    stage = _stage_id(state, cycle, spec)
    known = known_here(args, cycle)
    detached.begin_stage(state, cycle, spec, stage, args.at)
    code = print_recorded(state, f"{cycle.key}: {spec.name} began.")
    earlier = [known.stages[one] for one in known.open_ids & known.stages.keys() if one != stage]
    _note_open(spec.name, [one.start for one in earlier if one.name == spec.name], "stage")
    return code


def _stage_id(state: Runtime, cycle: CycleRef, spec: StageSpec) -> str:
    """Return the id of a stage that begins: a new one, unless the attempt is given."""
    if spec.attempt is None:
        return state.source.new_id()
    resource = state.writer.resource
    environment = spec.environment or cycle.environment or resource.get(ENVIRONMENT) or resource.get(OLDER_ENVIRONMENT)
    return begun_stage_id(cycle.cycle_id, spec.name, environment or "", spec.attempt)


def _note_open(what: str, starts: list[int], command: str) -> None:
    """Say that what has just begun was still open already."""
    if starts:
        since = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(max(starts) // 10**9))
        note(
            f"an earlier {what} that began at {since} is still open. `cycletrace {command} end` ends the latest first."
        )


def run_stage_end(args: argparse.Namespace) -> int:
    """Record the finished run, or that it ended if its begin is not known here."""
    from cycletrace._internal.flow import End, RecordOrigin
    from cycletrace._internal.sdk import detached
    from cycletrace._internal.sdk.cycles import clean

    state, cycle = recorder_and_cycle(args)
    name, environment = clean(args.name), clean(args.environment) if args.environment else None
    at = state.source.now() if args.at is None else args.at
    end = End(RecordOrigin(cycle.cycle_id), "", at, name, attempt=args.attempt, environment=environment)
    known = known_here(args, cycle)
    stage = known.find(end)
    if stage is not None:
        begin = known.stages[stage]
        attributes = _attributes(begin, args.mechanism)
        detached.finish_stage(state, cycle, name, attributes, begin.start, args.outcome, max(at, begin.start))
        return print_recorded(state, f"{cycle.key}: {name} ended, {args.outcome}.")
    if _is_over(known, end, f"{cycle.key}: {name}"):
        return 0
    detached.end_stage(
        state,
        cycle,
        name,
        args.outcome,
        at,
        attempt=args.attempt,
        environment=environment,
        mechanism=args.mechanism,
    )
    return print_recorded(state, f"{cycle.key}: {name} ended, {args.outcome}. {_ELSEWHERE}")


_ELSEWHERE = "It was not begun on this machine: whoever also knows the begin, such as the collector, joins the two."


def _attributes(begin: Stage, mechanism: str | None) -> dict[str, Any]:
    """Return the attributes of a run that is known by its begin."""
    known = {
        STAGE_ID: begin.id,
        STAGE_KIND: begin.kind,
        STAGE_ATTEMPT: begin.attempt,
        STAGE_LAUNCH: begin.launch,
        STAGE_PARENT: begin.parent,
        ACTOR_TYPE: begin.actor,
        ACTOR_ID: begin.person,
        ENVIRONMENT: begin.environment,
        MECHANISM: mechanism or begin.mechanism,
    }
    return {name: value for name, value in known.items() if value is not None}


def _is_over(known: Known, end: End, what: str) -> bool:
    """Return whether what this ends had already ended here, and say so.

    Raises:
        Failure: if it was begun here, but after that instant.
    """
    begins = known.like(end)
    if any(begin.id in known.open_ids for begin in begins):
        raise Failure(f"{what} was begun after that time. Give a later one with --at.")
    if begins:
        print(f"{what} had already ended.")
    return bool(begins)


def run_wait_begin(args: argparse.Namespace) -> int:
    """Record that the wait began."""
    from cycletrace._internal.sdk import detached

    state, cycle = recorder_and_cycle(args)
    known = known_here(args, cycle)
    stage = _running(known, args.stage)
    detached.begin_wait(state, cycle, args.reason, stage, args.at)
    code = print_recorded(state, f"{cycle.key}: waiting for {args.reason}.")
    if args.stage is not None and stage is None:
        note(f"no stage {args.stage!r} runs on this machine, so this is a wait of the whole cycle.")
    earlier = [known.waits[one] for one in known.open_ids & known.waits.keys()]
    starts = [one.start for one in earlier if (one.reason, one.stage) == (args.reason, stage)]
    _note_open(f"wait for {args.reason}", starts, "wait")
    return code


def _running(known: Known, name: str | None) -> str | None:
    """Return the id of the stage of that name that began last, of those that run: of commands, ``run`` or Python."""
    if name is None or known.facts is None:
        return None
    stages = [stage for stage in known.facts["stages"] if stage["name"] == name and stage["end"] is None]
    return stages[-1]["id"] if stages else None


def run_wait_end(args: argparse.Namespace) -> int:
    """Record the finished wait, or that it ended if its begin is not known here."""
    from cycletrace._internal.flow import End, RecordOrigin
    from cycletrace._internal.sdk import detached

    state, cycle = recorder_and_cycle(args)
    at = state.source.now() if args.at is None else args.at
    end = End(RecordOrigin(cycle.cycle_id), "", at, args.reason, is_wait=True)
    known = known_here(args, cycle)
    wait = known.find(end, _waits_of(known, args.stage)) or known.find(end)
    if wait is not None:
        begin = known.waits[wait]
        detached.finish_wait(state, cycle, args.reason, wait, begin.stage, begin.start, max(at, begin.start))
        return print_recorded(state, f"{cycle.key}: no longer waiting for {args.reason}.")
    if _is_over(known, end, f"{cycle.key}: the wait for {args.reason}"):
        return 0
    detached.end_wait(state, cycle, args.reason, at)
    return print_recorded(state, f"{cycle.key}: no longer waiting for {args.reason}. {_ELSEWHERE}")


def _waits_of(known: Known, name: str | None) -> frozenset[str]:
    """Return the ids of the waits of stages with that name; without one, of the whole cycle."""
    stages = known.facts["stages"] if known.facts is not None else []
    ids = {stage["id"] for stage in stages if stage["name"] == name} if name is not None else {None}
    return frozenset(wait.id for wait in known.waits.values() if wait.stage in ids)
