"""``cycletrace flush``: deliver what is in the journal, now."""

from __future__ import annotations

import argparse
import time
from typing import Any

from cycletrace.cli import options
from cycletrace.cli.failure import Failure

NO_ENDPOINT = (
    "no endpoint is set, so there is nowhere to deliver to. Set OTEL_EXPORTER_OTLP_ENDPOINT, or CYCLETRACE_ENDPOINT "
    "for cycletrace alone, to the base URL of an OTLP endpoint, such as http://127.0.0.1:4318"
)


def add_parser(commands: Any) -> None:
    """Add the subcommand."""
    parser = commands.add_parser(
        "flush",
        help="deliver what is in the journal, now",
        description="Deliver what is in the journal to the OTLP endpoint, now: what this machine's processes left "
        "when they were killed, or when the endpoint was down. Exits with 1 where something is left.",
    )
    parser.add_argument(
        "--timeout", type=options.seconds, default=30.0, metavar="S", help="seconds to try for (default: 30)"
    )
    options.add_directory(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Deliver."""
    from cycletrace.emit import settings
    from cycletrace.emit.delivery import progress
    from cycletrace.emit.delivery.destination import find
    from cycletrace.emit.delivery.shipper import Shipper

    directory = options.own_directory(args)
    destination = find(settings.read().endpoint)
    if destination is None:
        raise Failure(NO_ENDPOINT)
    shipper = Shipper(directory, destination)
    if shipper.deliver_all(time.monotonic() + args.timeout):
        print("All records are delivered.")
        return 0
    problems = progress.load(directory).problem
    why = "; ".join(f"{signal}: {answer}" for signal, answer in problems.items()) or "another process is delivering"
    print(f"{shipper.undelivered()} bytes of journal are not delivered yet. {why}.")
    return 1
