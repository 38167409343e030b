"""``cycletrace env``: pass the current cycle and stage to another shell, host or CI job."""

from __future__ import annotations

import argparse
import json
import os
import shlex
from typing import Any

from cycletrace._internal.cli import options
from cycletrace._internal.cli.failure import Failure
from cycletrace._internal.cli.recording import recorder_and_cycle

FORMATS = ("shell", "github", "dotenv", "json")


def add_commands(commands: Any) -> None:
    """Add the subcommand."""
    parser = options.add_command(
        commands,
        "env",
        run,
        "pass the cycle to another shell, host or CI job",
        'Print the variables that make another process join this cycle: eval "$(cycletrace env)", or '
        '`cycletrace env --format github >> "$GITHUB_ENV"`.',
    )
    parser.add_argument("--format", choices=FORMATS, default="shell", help="output format (default: shell)")
    options.add_cycle(parser)
    options.add_directory(parser)


def run(args: argparse.Namespace) -> int:
    """Print the variables."""
    from cycletrace._internal.sdk.inherited import CYCLE_VARIABLE, TRACEPARENT, traceparent

    state, cycle = recorder_and_cycle(args)
    values = {CYCLE_VARIABLE: cycle.to_text(), TRACEPARENT: traceparent(cycle, state.enclosing_stage(cycle))}
    if "OTEL_EXPORTER_OTLP_ENDPOINT" in os.environ:
        values["OTEL_EXPORTER_OTLP_ENDPOINT"] = os.environ["OTEL_EXPORTER_OTLP_ENDPOINT"]
    if any("\n" in value for value in values.values()) and args.format != "json":
        raise Failure("the cycle's key contains a line break, which only --format json supports.")
    print(_write(values, args.format))
    return 0


def _write(values: dict[str, str], form: str) -> str:
    if form == "json":
        return json.dumps(values)
    if form == "shell":
        return "\n".join(f"export {name}={shlex.quote(value)}" for name, value in values.items())
    if form == "dotenv":
        return "\n".join(f"{name}='{value}'" for name, value in values.items())
    return "\n".join(f"{name}={value}" for name, value in values.items())
