"""``cycletrace import``: record the history of other systems."""

from __future__ import annotations

import argparse
import io
import os
import re
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Any, BinaryIO, TextIO

from cycletrace._internal.cli import import_airflow, options, rules
from cycletrace._internal.cli.failure import Failure
from cycletrace._internal.cli.import_options import add_common, add_jobs, decisive_of, job_choices
from cycletrace._internal.cli.importing import run_import
from cycletrace._internal.cli.recording import note, recorder

_SAVED = "saved answers: files or folders of JSON"


def add_commands(commands: Any) -> None:
    """Add the subcommands."""
    group = options.add_group(
        commands,
        "import",
        "record the history of other systems",
        "Record the history of other systems. Importing again records what is new or has changed since.",
    )
    table = options.add_command(
        group,
        "csv",
        run_csv,
        "record a table with a row for each stage, wait, mark, alias or outcome",
        "Record a table with a row for each stage, wait, mark, alias or outcome. Its first line names the columns: see "
        "docs/importing.md. Rows that cannot be used are reported and left out.",
    )
    table.add_argument("file", metavar="FILE", help="the table, in UTF-8; - for stdin")
    add_common(table)

    actions = options.add_command(
        group,
        "github",
        run_github,
        "record runs of GitHub Actions",
        "Record runs of GitHub Actions, from GitHub's REST API or from saved answers of it. A run is a cycle, a job is "
        "a stage, and the time in the queue or until an approval is a wait. The token is that in GITHUB_TOKEN.",
    )
    actions.add_argument("paths", nargs="*", type=Path, metavar="PATH", help=_SAVED)
    actions.add_argument("--repo", metavar="OWNER/NAME", help="read the API instead, for this repository")
    actions.add_argument(
        "--api", metavar="URL", help="the API's base URL (default: GITHUB_API_URL, else https://api.github.com)"
    )
    actions.add_argument("--workflow", metavar="NAME", help="only runs of this workflow: its name or file, deploy.yml")
    actions.add_argument("--branch", metavar="NAME", help="only runs of this branch")
    actions.add_argument(
        "--first-commit",
        action="store_true",
        help="begin a cycle with the first commit of its pull request (with --repo; two more requests for each run)",
    )
    add_jobs(actions, "{model}@{run_id}", "the repository's name")
    add_common(actions)

    pipelines = options.add_command(
        group,
        "gitlab",
        run_gitlab,
        "record pipelines of GitLab CI",
        "Record pipelines of GitLab CI, from GitLab's REST API or from saved answers of it. A pipeline is a cycle, a "
        "job is a stage, and the time in the queue or until an approval is a wait. The token is that in GITLAB_TOKEN.",
    )
    pipelines.add_argument("paths", nargs="*", type=Path, metavar="PATH", help=_SAVED)
    pipelines.add_argument("--project", metavar="GROUP/NAME", help="read the API instead, for this project")
    pipelines.add_argument(
        "--api", metavar="URL", help="the API's base URL (default: CI_API_V4_URL, else https://gitlab.com/api/v4)"
    )
    pipelines.add_argument("--branch", metavar="NAME", help="only pipelines of this branch or tag")
    pipelines.add_argument(
        "--manual",
        metavar="PATTERN",
        action="append",
        default=[],
        help="the names of jobs that a person starts, which the API does not state; may be repeated",
    )
    add_jobs(pipelines, "{model}@{pipeline_id}", "the project's name")
    add_common(pipelines)
    accounting = options.add_command(
        group,
        "slurm",
        run_slurm,
        "record what sacct prints of SLURM's jobs",
        "Record SLURM's jobs from the output of sacct --parsable2: see docs/importing.md for the command. A job, or an "
        "array of jobs, is a cycle; each job is a stage, and the time until it could start a wait.",
    )
    accounting.add_argument("file", metavar="FILE", help="the output of sacct; - for stdin")
    add_jobs(accounting, "{model}@{job}", "the job's name")
    add_common(accounting)
    import_airflow.add_command(group)
    runs = options.add_command(
        group,
        "mlflow",
        run_mlflow,
        "record runs and registered versions of MLflow",
        "Record runs of MLflow, from its tracking server, database or folder. A run is a cycle, together with those "
        "nested in it, and each of them is a stage. Versions registered from them are keys of the cycle.",
    )
    runs.add_argument(
        "uri",
        nargs="?",
        metavar="TRACKING_URI",
        help="a server, sqlite:///FILE or a folder such as mlruns (default: MLFLOW_TRACKING_URI)",
    )
    runs.add_argument(
        "--experiment",
        metavar="NAME",
        action="append",
        default=[],
        help="only runs of this experiment; may be repeated",
    )
    runs.add_argument(
        "--tagged",
        action="store_true",
        help="make stages also of runs with the tag cycletrace.cycle, if nothing else recorded their training",
    )
    add_jobs(runs, "{model}@{run_id}", "the experiment's name; with {version}, the registered model's", "train")
    add_common(runs)
    requests = options.add_command(
        group,
        "otlp",
        run_otlp,
        "record what the file exporter of OpenTelemetry's Collector wrote",
        "Record what programs with cycletrace sent to a Collector of OpenTelemetry whose file exporter kept it: files "
        "with an OTLP request in JSON on each line, also compressed with gzip. All else in them is left out, unless "
        "rules make something of it.",
    )
    requests.add_argument("files", nargs="+", metavar="FILE", help="files; - for stdin")
    rules.add_option(requests)
    add_common(requests)


def run_csv(args: argparse.Namespace) -> int:
    """Import a table."""
    from cycletrace._internal.importers import csv_file
    from cycletrace._internal.sdk import people

    state = recorder(args)

    def pseudonym(name: str) -> str | None:
        return people.actor(f"person:{name}", state.settings)[1]

    with _text_of(args.file) as lines:
        choices = csv_file.Choices(state.settings.namespace, pseudonym, args.since)
        return run_import(args, state, csv_file.SYSTEM, (), lambda _: csv_file.read(lines, choices))


def run_github(args: argparse.Namespace) -> int:
    """Import runs of GitHub Actions."""
    from cycletrace._internal.importers import github, github_api, github_files

    if args.first_commit and args.paths:
        raise Failure("--first-commit needs the API: saved answers do not say which commits a pull request has.")
    modules = (github, github_api, github_files)
    return _run_ci(args, "--repo", args.repo, modules, "GITHUB_API_URL", "GITHUB_TOKEN")


def run_gitlab(args: argparse.Namespace) -> int:
    """Import pipelines of GitLab CI."""
    from cycletrace._internal.importers import gitlab, gitlab_api, gitlab_files

    modules = (gitlab, gitlab_api, gitlab_files)
    return _run_ci(args, "--project", args.project, modules, "CI_API_V4_URL", "GITLAB_TOKEN")


def _run_ci(
    args: argparse.Namespace, option: str, name: str | None, modules: tuple[Any, Any, Any], url: str, token: str
) -> int:
    """Import from saved answers, or from an API what has this name, which an option gave.

    ``modules`` are what turns answers into records, and what reads the API and saved answers. ``url`` and ``token`` are
    the names of variables.
    """
    from cycletrace._internal.importers import web

    system, by_api, by_files = modules
    base = _base_of_api(args, option, name, os.environ.get(url) or by_api.BASE)
    state = recorder(args)
    choices = job_choices(args, state, system.FIELDS)
    if name is None:
        decisive = decisive_of(choices)
        return run_import(args, state, system.SYSTEM, decisive, lambda _: by_files.read(args.paths, choices))
    get = web.client(by_api.api_of(base, os.environ.get(token, "")), note)
    decisive = (base, name, *decisive_of(choices))
    return run_import(args, state, system.SYSTEM, decisive, lambda seen: by_api.read(get, name, choices, seen))


def _base_of_api(args: argparse.Namespace, option: str, name: str | None, default: str) -> str:
    """Return the base URL of an API, from which what has this name is to be read unless there are saved answers.

    Raises:
        Failure: if neither or both were given, or one is wrong.
    """
    if bool(args.paths) == (name is not None):
        raise Failure(f"name saved answers (files or folders of JSON), or what to read from the API with {option}.")
    if name is not None and not re.fullmatch(r"[\w.-]+(/[\w.-]+)+", name, re.ASCII):
        raise Failure(f"{option} must be a path such as octo/churn, got {name!r}.")
    base: str = args.api or default
    if not base.startswith(("http://", "https://")):
        raise Failure(f"--api must be a URL such as {default}, got {base!r}.")
    return base


def run_otlp(args: argparse.Namespace) -> int:
    """Import requests of OTLP."""
    from cycletrace._internal.importers import otlp_file

    chosen = rules.load_rules(args.rules)
    state = recorder(args)
    with ExitStack() as stack:
        files = [(name, stack.enter_context(_bytes_of(name))) for name in args.files]
        find = (found for name, file in files for found in otlp_file.read(name, file, args.since, chosen))
        decisive = [rule._replace(label="") for rule in chosen]
        return run_import(args, state, otlp_file.SYSTEM, decisive, lambda _: find)


def run_mlflow(args: argparse.Namespace) -> int:
    """Import runs of MLflow."""
    from cycletrace._internal.importers import mlflow, mlflow_client
    from cycletrace._internal.importers.found import SourceError

    uri = args.uri or os.environ.get("MLFLOW_TRACKING_URI")
    if not uri:
        raise Failure("name a tracking URI (a server, sqlite:///FILE or a folder), or set MLFLOW_TRACKING_URI.")
    state = recorder(args)
    choices = job_choices(args, state, mlflow.FIELDS)
    try:
        client = mlflow_client.connect(uri)
    except SourceError as error:
        raise Failure(str(error)) from None
    find = mlflow_client.read(client, args.experiment, choices)
    return run_import(args, state, mlflow.SYSTEM, (*decisive_of(choices), choices.tagged), lambda _: find)


def run_slurm(args: argparse.Namespace) -> int:
    """Import jobs of SLURM."""
    from cycletrace._internal.importers import slurm

    state = recorder(args)
    choices = job_choices(args, state, slurm.FIELDS)
    with _text_of(args.file) as lines:
        return run_import(args, state, slurm.SYSTEM, decisive_of(choices), lambda _: slurm.read(lines, choices))


def _text_of(name: str) -> TextIO:
    """Open a text file, or stdin. Bytes that are not UTF-8 become lone surrogates.

    Raises:
        Failure: if it cannot be opened.
    """
    return io.TextIOWrapper(_bytes_of(name), encoding="utf-8", errors="surrogateescape", newline="")


def _bytes_of(name: str) -> BinaryIO:
    """Open a file, or stdin.

    Raises:
        Failure: if it cannot be opened.
    """
    try:
        return sys.stdin.buffer if name == "-" else Path(name).open("rb")
    except OSError as error:
        raise Failure(f"{name} cannot be read: {error.strerror}.") from None
