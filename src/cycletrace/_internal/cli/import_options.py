"""Options that several sources of ``cycletrace import`` share, and what was chosen with them."""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from cycletrace._internal.cli import options
from cycletrace._internal.cli.failure import Failure
from cycletrace.conventions import KINDS, OTHER

if TYPE_CHECKING:
    from cycletrace._internal.importers.jobs import Choices
    from cycletrace._internal.sdk.runtime import Runtime


def add_jobs(parser: argparse.ArgumentParser, key: str, model: str, kind: str = OTHER) -> None:
    """Add the options of every source of jobs, with the defaults of three of them."""
    parser.add_argument("--key", metavar="KEY", default=key, help=f"the key of a job's cycle (default: {key})")
    parser.add_argument("--model", metavar="NAME", type=options.some_text, help=f"the model (default: {model})")
    parser.add_argument("--domain", metavar="NAME", help="models to compare its training with (default: only itself)")
    parser.add_argument(
        "--kind",
        metavar="PATTERN=KIND",
        action="append",
        default=[],
        type=_kind,
        help="the kind of the jobs with such a name; may be repeated, and the first that fits counts (default: the "
        f"first word of the name that is a kind, else {kind})",
    )


def _kind(text: str) -> tuple[str, str]:
    pattern, _, kind = text.rpartition("=")
    if not pattern or kind not in KINDS:
        raise argparse.ArgumentTypeError(f"must be PATTERN=KIND, with one of {', '.join(KINDS)}, got {text!r}")
    return pattern, kind


def add_common(parser: argparse.ArgumentParser) -> None:
    """Add the options of every source."""
    parser.add_argument(
        "--since", metavar="TIME", type=options.instant, help="leave out what began earlier: a time with a zone"
    )
    parser.add_argument("--dry-run", action="store_true", help="record nothing, and print what would be recorded")
    parser.add_argument("--again", action="store_true", help="also record what was imported before and is unchanged")
    parser.add_argument("--json", action="store_true", help="print the result as one JSON object")
    options.add_directory(parser)


def job_choices(args: argparse.Namespace, state: Runtime, fields: Sequence[str]) -> Choices:
    """Return what was chosen for a source of jobs.

    Raises:
        Failure: if the key cannot be made.
    """
    from cycletrace._internal.importers.jobs import Choices, key_of

    try:
        key_of(args.key, dict.fromkeys(fields, ""))
    except ValueError as error:
        raise Failure(f"--key {error}.") from None
    return Choices(
        state.settings.namespace,
        time.time_ns(),
        args.key,
        args.model,
        args.domain,
        tuple(args.kind),
        args.since,
        getattr(args, "workflow", None),
        getattr(args, "branch", None),
        getattr(args, "first_commit", False),
        tuple(getattr(args, "manual", ())),
        getattr(args, "tagged", False),
    )


def decisive_of(choices: Choices) -> tuple[object, ...]:
    """Return those choices that decide which records follow from a job."""
    return choices.key, choices.model, choices.domain, choices.first_commit, *choices.kinds, *choices.manual
