"""``cycletrace collect``: receive the records of many machines, in front of any OTLP backend."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import Any

from cycletrace._internal.cli.failure import INSTALL, Failure
from cycletrace._internal.cli.options import add_directory, state_directory
from cycletrace._internal.cli.reading import trace_links
from cycletrace._internal.collector.settings import SETTINGS


def add_commands(commands: Any) -> None:
    """Add the subcommand."""
    parser = commands.add_parser(
        "collect",
        help="receive OTLP from many machines, forward it, export cycle times",
        description="Receive OTLP, forward it unchanged to any number of backends, store what cycletrace recorded, and "
        "export cycle times as metrics and derived spans. Runs until SIGTERM or Ctrl-C.",
    )
    parser.add_argument(
        "--config",
        type=Path,
        metavar="FILE",
        help="a TOML file with these options, named without the leading dashes; the command line takes precedence",
    )
    for setting in SETTINGS:
        default = f"; by default {setting.default}" if setting.default else ""
        kind: dict[str, Any] = {"action": "append" if setting.is_list else "store", "metavar": setting.takes}
        if setting.is_flag:
            kind = {"action": "store_true", "default": None}
        help_text = setting.help.replace("%", "%%") + default
        parser.add_argument(f"--{setting.name}", dest=setting.name, help=help_text, **kind)
    add_directory(parser)
    parser.set_defaults(run=run, parser=parser, logs_itself=True)


def run(args: argparse.Namespace) -> int:
    """Run the collector until a signal stops it."""
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")  # we log what gRPC would
    try:
        from cycletrace._internal.collector.options import OptionError, make_options, read_config
        from cycletrace._internal.collector.serve import run as serve
        from cycletrace._internal.local import production
    except ImportError as error:
        raise Failure(f"the collector needs {error.name}. {INSTALL.format('.[collector]')}") from None
    try:
        settings = read_config(args.config) if args.config is not None else {}
        for name, variable in _SECRETS.items():
            if os.environ.get(variable):
                settings[name] = os.environ[variable]
        given = vars(args)
        settings.update({setting.name: given[setting.name] for setting in SETTINGS if given[setting.name] is not None})
        options = make_options(settings, state_directory(args) / "store.db", production())
        options = options._replace(linked=trace_links())
    except OptionError as error:
        raise Failure(str(error)) from None
    return serve(options)


_SECRETS = {"forward-headers": "CYCLETRACE_FORWARD_HEADERS", "metrics-headers": "CYCLETRACE_METRICS_HEADERS"}
"""Settings that environment variables can provide, so that they do not appear in process lists."""
