"""``cycletrace run``: run any command as a stage."""

from __future__ import annotations

import argparse
import os
import resource
import signal
import subprocess
import sys
from typing import Any

from cycletrace.cli import options
from cycletrace.cli.failure import Failure
from cycletrace.conventions import ERROR, INTERRUPTED, KINDS, MECHANISMS, OK

FORWARDED = ("SIGTERM", "SIGHUP", "SIGUSR1", "SIGUSR2", "SIGCONT")
"""What is passed on to the command. The terminal's own (Ctrl-C, Ctrl-\\) reach it from the terminal."""
INTERRUPTING = frozenset({signal.SIGINT, signal.SIGTERM})


def add_parser(commands: Any) -> None:
    """Add the subcommand."""
    parser = commands.add_parser(
        "run",
        help="run any command as a stage",
        description="Run a command as a stage. Its exit code, its death by a signal, its output and its terminal are "
        "as they would be without cycletrace; stages inside it become children of this one.",
        usage="cycletrace run --stage NAME [options] -- COMMAND [ARGUMENT ...]",
    )
    add_stage_options(parser)
    parser.add_argument("--stage", metavar="NAME", required=True, help="the stage's name")
    parser.add_argument("command", nargs=argparse.REMAINDER, metavar="-- COMMAND", help="what to run")
    parser.set_defaults(run=run, tells_itself=True)


def add_stage_options(parser: argparse.ArgumentParser) -> None:
    """What can be said of a stage, for every command that makes one."""
    parser.add_argument("--kind", choices=KINDS, help="its kind (default: its name, where that is one; else other)")
    parser.add_argument("--by", metavar="WHO", help="automation, person, or person:NAME")
    parser.add_argument("--attempt", type=int, metavar="N", help="which attempt this is, from 1")
    parser.add_argument("--environment", metavar="NAME", help="where it acts (default: production)")
    parser.add_argument("--mechanism", choices=MECHANISMS, help="of an activation: how clients come to use the model")
    options.add_cycle(parser)
    options.add_directory(parser)


def spec_of(args: argparse.Namespace, name: str, by: str | None) -> Any:
    """Return what a stage's options make of it.

    Raises:
        Failure: where a value is not allowed.
    """
    from cycletrace import stage
    from cycletrace.emit import runs

    try:  # the definition of a stage checks what it is given
        stage(name, kind=args.kind, by=by, attempt=args.attempt, mechanism=args.mechanism)
    except ValueError as error:
        raise Failure(str(error)) from None
    return runs.spec_of(name, args.kind, by, args.attempt, args.environment, args.mechanism)


def run(args: argparse.Namespace) -> int:
    """Run the command. Returns its exit code, or dies by the signal that it died by."""
    command = args.command[1:] if args.command[:1] == ["--"] else args.command
    if not command:
        raise Failure("what is to be run? cycletrace run --stage train -- python train.py")
    spec = spec_of(args, args.stage, args.by)
    code = _recorded(args, spec, command)
    if code < 0:
        _die_by(-code)
    return code


def _recorded(args: argparse.Namespace, spec: Any, command: list[str]) -> int:
    """Run the command within a stage. Whatever of ours fails, the command runs."""
    from cycletrace.emit import runs
    from cycletrace.emit.cycles import from_key
    from cycletrace.emit.runtime import runtime

    options.state_directory(args)
    state = runtime()
    cycle = from_key(args.cycle, state.settings.namespace) if state is not None and args.cycle else None
    run = runs.begin(spec, cycle)
    if run is not None:
        run.enter()
    code = _wait_for(command)
    if run is not None:
        run.give(OK if code == 0 else INTERRUPTED if -code in INTERRUPTING else ERROR)
        run.leave(None)
    return code


def _wait_for(command: list[str]) -> int:
    """The exit code of the command; negative: the signal that it died by. 126 and 127 as a shell has them."""
    process: subprocess.Popen[bytes] | None = None
    early: list[int] = []

    def forward(number: int, _: object) -> None:
        if process is None:
            early.append(number)
        else:
            process.send_signal(number)

    # The terminal sends these to us and to the command alike: what they mean is the command's to say.
    before = {number: signal.signal(number, signal.SIG_IGN) for number in (signal.SIGINT, signal.SIGQUIT)}
    for name in FORWARDED:
        number = signal.Signals[name]
        before[number] = signal.signal(number, forward)
    try:
        process = subprocess.Popen(command, preexec_fn=lambda: _restore(before))  # noqa: S603, PLW1509 - the user's command, with the signals it would have had
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
    """Die as the command died, so that whoever called us sees the same. What we owe is done before."""
    from cycletrace.emit.runtime import reset

    reset()
    sys.stdout.flush()
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # the command's core is what its user looks for, not ours
    signal.signal(number, signal.SIG_DFL) if number not in {signal.SIGKILL, signal.SIGSTOP} else None
    os.kill(os.getpid(), number)
    signal.pause()
