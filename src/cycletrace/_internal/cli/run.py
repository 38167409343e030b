"""``cycletrace run``: run any command as a stage, or record the trainings inside it."""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Any

from cycletrace._internal.cli import options
from cycletrace._internal.cli.failure import Failure
from cycletrace.conventions import CYCLE_IMPLICIT, ERROR, INTERRUPTED, KINDS, MECHANISMS, OK, TRIGGERS

if TYPE_CHECKING:
    from cycletrace._internal.sdk.cycles import CycleRef
    from cycletrace._internal.sdk.runtime import Runtime

_OF_THE_TERMINAL = ("SIGINT", "SIGQUIT")
"""Signals (Ctrl-C, Ctrl-\\) that the terminal also sends to the command, which alone decides what to do."""
_FORWARDED = ("SIGTERM", "SIGHUP", "SIGUSR1", "SIGUSR2", "SIGCONT")
"""Signals forwarded to the command."""
INTERRUPTING = frozenset({signal.SIGINT, signal.SIGTERM})


def add_commands(commands: Any) -> None:
    """Add the subcommand."""
    parser = options.add_command(
        commands,
        "run",
        run,
        "run any command as a stage, or record the trainings inside it",
        "Run a command as a stage, or with the trainings inside it as stages. Its exit code, signals, output and "
        "terminal are as they would be without cycletrace. Stages inside a stage become its children.",
    )
    parser.usage = "cycletrace run (--stage NAME | --auto) [options] -- COMMAND [ARGUMENT ...]"
    stages = parser.add_mutually_exclusive_group(required=True)
    stages.add_argument("--stage", metavar="NAME", help="record the command as the stage of this name")
    stages.add_argument(
        "--auto",
        action="store_true",
        help="record the trainings of frameworks in the Python programs that the command starts",
    )
    add_stage_options(parser)
    parser.add_argument("--model", metavar="NAME", help="the cycle's model (default: as in a key MODEL@VERSION)")
    parser.add_argument("--domain", metavar="NAME", help="models to compare its training with (default: only itself)")
    parser.add_argument("--trigger", choices=TRIGGERS, help="why the cycle began (default: idea)")
    parser.add_argument("command", nargs=argparse.REMAINDER, metavar="-- COMMAND", help="the command to run")
    parser.set_defaults(logs_itself=True)


def add_stage_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that describe a stage."""
    parser.add_argument("--kind", choices=KINDS, help="its kind (default: its name if that is a kind, else other)")
    parser.add_argument("--by", metavar="WHO", help="who does it: automation (default), person or person:NAME")
    parser.add_argument("--attempt", type=int, metavar="N", help="which attempt this is, from 1")
    parser.add_argument("--environment", metavar="NAME", help="where it takes effect (default: production)")
    parser.add_argument("--mechanism", choices=MECHANISMS, help="for an activation: how clients switch to the model")
    options.add_cycle(parser)
    options.add_directory(parser)


def spec_of(args: argparse.Namespace, name: str, by: str | None) -> Any:
    """Return the specification of a stage from its options.

    Raises:
        Failure: if a value is not allowed.
    """
    from cycletrace._internal.api import checks
    from cycletrace._internal.sdk import runs

    try:
        checks.name(name)
        checks.one_of("kind", args.kind, KINDS)
        checks.actor(by)
        checks.attempt(args.attempt)
        checks.one_of("mechanism", args.mechanism, MECHANISMS)
    except ValueError as error:
        raise Failure(str(error)) from None
    return runs.spec_of(name, args.kind, by, args.attempt, args.environment, args.mechanism)


def run(args: argparse.Namespace) -> int:
    """Run the command, and return its exit code or die by the signal that killed it."""
    command = args.command[1:] if args.command[:1] == ["--"] else args.command
    if not command:
        raise Failure("a command is needed: cycletrace run --stage train -- python train.py")
    if args.auto:
        _refuse_stage_options(args)
        code = _with_trainings(args, command)
    else:
        code = _recorded(args, spec_of(args, args.stage, args.by), command)
    if code < 0:
        _die_by(-code)
    return code


def _refuse_stage_options(args: argparse.Namespace) -> None:
    for name in ("kind", "by", "attempt", "environment", "mechanism"):
        if getattr(args, name) is not None:
            raise Failure(f"--{name} describes the stage of --stage NAME, and --auto has none: leave one of them out.")


def _with_trainings(args: argparse.Namespace, command: list[str]) -> int:
    """Run the command such that the Python programs in it record what they train in this cycle."""
    from cycletrace._internal import environment
    from cycletrace._internal.sdk import blocks
    from cycletrace._internal.sdk.runtime import runtime
    from cycletrace.integrations._auto import python_path

    directory = options.state_directory(args)
    state = runtime()
    if state is None:
        return _wait_for(command)
    cycle = _cycle(args, state, command)
    is_handed_on = state.enclosing_stage(cycle) is not None
    block = None if is_handed_on else blocks.enter_cycle(cycle)
    if args.dir is not None:
        os.environ[environment.DIRECTORY.name] = str(directory)
    os.environ["PYTHONPATH"] = python_path(os.environ)
    code = _wait_for(command)
    now = state.source.now()
    state.roots.extend(cycle, now, now, {})  # the root of an implicit cycle, whose stages other processes record
    if block is not None:
        blocks.leave_cycle(block)
    return code


def _recorded(args: argparse.Namespace, spec: Any, command: list[str]) -> int:
    """Run the command within a stage. It runs even if recording fails."""
    from cycletrace._internal.sdk import runs
    from cycletrace._internal.sdk.runtime import runtime

    options.state_directory(args)
    state = runtime()
    run = None if state is None else runs.begin(spec, _cycle(args, state, command))
    if run is not None:
        run.enter()
    code = _wait_for(command)
    if run is not None:
        run.give(OK if code == 0 else INTERRUPTED if -code in INTERRUPTING else ERROR)
        run.leave(None)
    return code


def _cycle(args: argparse.Namespace, state: Runtime, command: list[str]) -> CycleRef:
    """Return the cycle of the command, with the words about it that were given."""
    from cycletrace._internal.sdk.cycles import from_key, from_text
    from cycletrace._internal.sdk.unnamed import script_of

    named = from_key(args.cycle, state.settings.namespace) if args.cycle else None
    cycle = named or state.here_cycle(script_of(command))
    given = {"model": args.model, "domain": args.domain, "trigger": args.trigger}
    words = {name: word for name, word in given.items() if word}
    if not words:
        return cycle
    known = cycle.words["model"]
    if args.model and known not in {None, args.model} and not args.cycle and CYCLE_IMPLICIT not in cycle.attributes:
        raise Failure(
            f"the cycle here, {cycle.key}, is of the model {known}: name that of {args.model} with --cycle, or leave "
            "--model out."
        )
    return from_text(json.dumps({**json.loads(cycle.to_text()), **words}), cycle.namespace)


def _wait_for(command: list[str]) -> int:
    """Run the command and return its exit code, or minus the signal that killed it; 126 and 127 as in a shell."""
    process: subprocess.Popen[bytes] | None = None
    early: list[int] = []

    def forward(number: int, _: object) -> None:
        if process is None:
            early.append(number)
        else:
            process.send_signal(number)

    handlers = dict.fromkeys(_OF_THE_TERMINAL, signal.SIG_IGN) | dict.fromkeys(_FORWARDED, forward)
    before = {
        getattr(signal, name): signal.signal(getattr(signal, name), handler)
        for name, handler in handlers.items()
        if hasattr(signal, name)  # Windows has few of them
    }
    # The command gets its usual handlers back. Windows passes none on.
    restore = None if sys.platform == "win32" else lambda: _restore(before)
    try:
        process = subprocess.Popen(command, preexec_fn=restore)  # noqa: S603, PLW1509 - the user's command
        for missed in early:
            process.send_signal(missed)
        return process.wait()
    except (OSError, subprocess.SubprocessError) as error:
        missing = isinstance(error, FileNotFoundError)
        print(f"cycletrace: {command[0]}: {getattr(error, 'strerror', None) or error}", file=sys.stderr)
        return 127 if missing else 126
    finally:
        _restore(before)


def _restore(handlers: dict[Any, Any]) -> None:
    for number, handler in handlers.items():
        signal.signal(number, handler)


def _die_by(number: int) -> None:
    """Die by the signal that killed the command, so that the caller sees the same, after finishing delivery.

    Windows has neither such deaths nor ``resource``.
    """
    import resource

    from cycletrace._internal.sdk.runtime import reset

    reset()
    sys.stdout.flush()
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # the useful core dump is the command's, not ours
    signal.signal(number, signal.SIG_DFL) if number not in {signal.SIGKILL, signal.SIGSTOP} else None
    os.kill(os.getpid(), number)
    signal.pause()
