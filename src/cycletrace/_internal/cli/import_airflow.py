"""``cycletrace import airflow``."""

from __future__ import annotations

import argparse
import os
from typing import Any

from cycletrace._internal.cli import options
from cycletrace._internal.cli.failure import Failure
from cycletrace._internal.cli.import_options import add_common, add_jobs, decisive_of, job_choices
from cycletrace._internal.cli.importing import run_import
from cycletrace._internal.cli.recording import note, recorder

URL = "AIRFLOW__API__BASE_URL"
"""The variable in which Airflow itself has its URL."""


def add_command(group: Any) -> None:
    """Add the subcommand."""
    runs = options.add_command(
        group,
        "airflow",
        run_airflow,
        "record DAG runs of Airflow 3",
        "Record DAG runs of Airflow, from its REST API. A run is a cycle, each try of a task is a stage, and the time "
        "in the queue or until an answer is a wait. The token is that in AIRFLOW_CLI_TOKEN.",
    )
    runs.add_argument("url", nargs="?", metavar="URL", help=f"Airflow's (default: {URL}, else http://localhost:8080)")
    runs.add_argument(
        "--dag",
        metavar="NAME",
        action="append",
        required=True,
        type=options.some_text,
        help="runs of this DAG; may be repeated, and ~ stands for all",
    )
    add_jobs(runs, "{model}@{run_id}", "the DAG's name")
    add_common(runs)


def run_airflow(args: argparse.Namespace) -> int:
    """Import DAG runs of Airflow."""
    from cycletrace._internal.importers import airflow, airflow_api, web

    url = args.url or os.environ.get(URL) or airflow_api.BASE
    if not url.startswith(("http://", "https://")):
        raise Failure(f"the URL must be one such as {airflow_api.BASE}, got {url!r}.")
    state = recorder(args)
    choices = job_choices(args, state, airflow.FIELDS)
    get = web.client(airflow_api.api_of(url, os.environ.get(airflow_api.TOKEN, "")), note)
    decisive = (url, *decisive_of(choices))
    return run_import(
        args, state, airflow.SYSTEM, decisive, lambda seen: airflow_api.read(get, args.dag, choices, seen)
    )
