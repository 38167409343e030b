"""``cycletrace flush``: deliver the journal now."""

from __future__ import annotations

import argparse
import time
from typing import Any

from cycletrace._internal.cli import options
from cycletrace._internal.cli.failure import Failure

NO_ENDPOINT = (
    "no endpoint is set. Set OTEL_EXPORTER_OTLP_ENDPOINT, or CYCLETRACE_ENDPOINT for cycletrace alone, to the base URL "
    "of an OTLP endpoint, such as http://127.0.0.1:4318"
)


def add_commands(commands: Any) -> None:
    """Add the subcommand."""
    parser = options.add_command(
        commands,
        "flush",
        run,
        "deliver the journal now",
        "Deliver the journal to the OTLP endpoint now: records left behind by killed processes or while "
        "the endpoint was down. Exits with 1 if records remain.",
    )
    parser.add_argument(
        "--timeout", type=options.seconds, default=30.0, metavar="S", help="seconds before giving up (default: 30)"
    )
    options.add_directory(parser)


def run(args: argparse.Namespace) -> int:
    """Deliver the journal, and return the exit code."""
    from cycletrace._internal.delivery import progress
    from cycletrace._internal.delivery.destination import find
    from cycletrace._internal.delivery.shipper import Shipper
    from cycletrace._internal.sdk import settings

    directory = options.own_directory(args)
    destination = find(settings.read().endpoint)
    if destination is None:
        raise Failure(NO_ENDPOINT)
    shipper = Shipper(directory, destination)
    if shipper.deliver_all(time.monotonic() + args.timeout):
        print("All records were delivered.")
        return 0
    problems = progress.load(directory).problem
    why = "; ".join(f"{signal}: {answer}" for signal, answer in problems.items()) or "another process is delivering"
    print(f"{shipper.undelivered():,} bytes not delivered yet: {why}.")
    return 1
