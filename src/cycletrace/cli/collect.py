"""``cycletrace collect``: the processor that joins what many machines send, in front of any OTLP backend."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import Any

from cycletrace.cli import reading
from cycletrace.cli.failure import Failure
from cycletrace.cli.options import add_directory, state_directory
from cycletrace.collector.settings import SETTINGS


def add_parser(commands: Any) -> None:
    """Add the subcommand."""
    parser = commands.add_parser(
        "collect",
        help="receive OTLP from many machines, forward it, tell cycle times",
        description="Receive OTLP, pass it on unchanged to any backends, keep what cycletrace recorded, and tell cycle "
        "times as metrics and derived spans. Runs until SIGTERM or Ctrl-C.",
    )
    parser.add_argument("--config", type=Path, metavar="FILE", help="options in TOML; the command line beats them")
    for setting in SETTINGS:
        default = f" (default: {setting.default})" if setting.default else ""
        parser.add_argument(
            f"--{setting.name}",
            dest=setting.name,
            action="append" if setting.is_list else "store",
            metavar=setting.takes,
            help=setting.help.replace("%", "%%") + default,
        )
    add_directory(parser)
    parser.set_defaults(run=run, tells_itself=True)


def run(args: argparse.Namespace) -> int:
    """Collect until told to stop."""
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")  # its log is for its authors; what matters is told in our words
    try:
        from cycletrace.collector.options import OptionError, make_options, read_config
        from cycletrace.collector.serve import run as serve
    except ImportError as error:
        raise Failure(f"the collector needs {error.name}: pip install 'cycletrace[collector]'") from None
    try:
        settings = read_config(args.config) if args.config is not None else {}
        for name, variable in _SECRETS.items():
            if os.environ.get(variable):
                settings[name] = os.environ[variable]
        said = vars(args)
        settings.update({setting.name: said[setting.name] for setting in SETTINGS if said[setting.name] is not None})
        options = make_options(settings, state_directory(args) / "store.db", reading.rules())
    except OptionError as error:
        raise Failure(str(error)) from None
    return serve(options)


_SECRETS = {"forward-headers": "CYCLETRACE_FORWARD_HEADERS", "metrics-headers": "CYCLETRACE_METRICS_HEADERS"}
"""Settings that an environment variable may say instead, so that they show up in no list of processes."""
