"""``cycletrace demo``: take a real model from data to production, and report its cycle."""

from __future__ import annotations

import argparse
import signal
import sys
import time
from contextlib import nullcontext, redirect_stdout
from itertools import count
from pathlib import Path
from shlex import quote
from types import FrameType
from typing import Any

from cycletrace._internal.cli import options
from cycletrace._internal.cli.failure import Failure, require

FOLDER = "cycletrace-demo"


def add_commands(commands: Any) -> None:
    """Add the subcommand."""
    parser = options.add_command(
        commands,
        "demo",
        run,
        "take a real model from data to production and report its cycle",
        "Train, test, deploy and use a real model, one process per step, and report how long its cycle "
        "took. In a terminal, you are asked to select and approve. Takes under a minute, without a network.",
    )
    parser.add_argument("--yes", action="store_true", help="ask nothing: a rule selects and approves")
    parser.add_argument(
        "--cycles",
        type=_at_least_one,
        default=1,
        metavar="N",
        help="how many versions to run (default: 1); the second fails its tests, the third stays open",
    )
    parser.add_argument(
        "--dir", type=Path, metavar="DIR", help=f"a new or empty directory for all files (default: ./{FOLDER})"
    )
    parser.add_argument(
        "--collector", action="store_true", help="also send everything to a collector, and compare its facts"
    )
    parser.add_argument(
        "--history", action="store_true", help="report on a simulated year of three teams instead, in a second"
    )
    parser.add_argument("--html", type=Path, metavar="FILE", help="also write the report as a page that works offline")
    parser.add_argument("--json", action="store_true", help="print the report as JSON, and the progress on stderr")
    parser.set_defaults(logs_itself=True)


def run(args: argparse.Namespace) -> int:
    """Run the demo, then its report. Return 1 if a step fails unexpectedly."""
    if args.history:
        return _history(args)
    require("the demo", ("sklearn", "pytest", "rich"), "demo")
    if args.collector:
        require("the demo", ("aiohttp", "grpc"), "demo,collector")
    from cycletrace._internal.cli.demo_collector import collecting, compare
    from cycletrace._internal.demo.run import DemoError
    from cycletrace._internal.demo.run import run as run_demo

    root = _folder(args.dir)
    screen = sys.stderr if args.json else sys.stdout
    is_asking = not args.yes and sys.stdin.isatty() and sys.stdout.isatty()
    before = signal.signal(signal.SIGTERM, _exit)
    try:
        with collecting(root) if args.collector else nullcontext() as collector:
            endpoint = None if collector is None else collector.endpoint
            run_demo(root, args.cycles, is_asking=is_asking, screen=screen, endpoint=endpoint)
            code = 0 if collector is None else compare(root, collector, screen)
    except BrokenPipeError:
        raise
    except (DemoError, OSError) as error:
        print(f"\ncycletrace: {error}\nAll files are in {root}.", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(f"\ncycletrace: interrupted. See what was recorded: cycletrace report {_where(root)}", file=sys.stderr)
        raise
    finally:
        signal.signal(signal.SIGTERM, before)
    return max(code, _report(root, args.cycles, args.html, as_json=args.json))


def _history(args: argparse.Namespace) -> int:
    """Write a simulated year, and report on it."""
    require("the report", ("numpy", "rich"), "report")
    if args.collector or args.cycles != 1:
        raise Failure("--history runs nothing: leave out --collector and --cycles.")
    from cycletrace._internal.cli import demo_history
    from cycletrace._internal.store import StoreError

    root = _folder(args.dir)
    try:
        store = demo_history.write(root, time.time_ns())
    except StoreError as error:
        raise Failure(str(error)) from None
    print("A simulated year of three teams. Nothing of it was run.", file=sys.stderr if args.json else sys.stdout)
    code = _print_reports(["report", "--store", str(store), "--window", "1y"], args.html, as_json=args.json)
    if not args.json:
        where = f"--store {quote(str(store))} --window 1y"
        print(f"""
Try next:
  cycletrace report {where} --by team
  cycletrace report {where} time automate
  cycletrace report {where} --html report.html""")
    return code


def _report(root: Path, cycles: int, page: Path | None, *, as_json: bool) -> int:
    """Print the report of the one cycle, or of all, and what to try next. Return the exit code."""
    one = ["--cycle", "digits@1"] if cycles == 1 else []
    code = _print_reports(["report", "--dir", str(root), *one], page, as_json=as_json)
    if as_json:
        return code
    print(f"""
All files are in {root}: records, models, and the demo's own log.
Try next:
  cycletrace report {_where(root)}{" --cycle digits@1" if cycles > 1 else ""}
  cycletrace facts {_where(root)}
  cycletrace run --stage train -- python your_training_script.py""")
    return code


def _print_reports(reporting: list[str], page: Path | None, *, as_json: bool) -> int:
    """Write the page if one was asked for, and print the report. Return the exit code."""
    from cycletrace._internal.cli.main import main

    code = 0
    if page is not None:
        with redirect_stdout(sys.stderr if as_json else sys.stdout):
            code = main([*reporting, "--html", str(page)])
    if as_json:
        return max(code, main([*reporting, "--json"]))
    print(flush=True)
    return max(code, main(reporting))


def _where(root: Path) -> str:
    return f"--dir {quote(str(root))}"


def _folder(chosen: Path | None) -> Path:
    """Return an empty directory; two demos in one would look like one history.

    Raises:
        Failure: if the chosen one is not empty, or cannot be created.
    """
    names = (FOLDER if number == 1 else f"{FOLDER}-{number}" for number in count(1))
    folder = chosen or next(path for path in map(Path, names) if not path.exists())
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise Failure(f"{folder} is not empty. Choose a new directory: cycletrace demo --dir DIR")
    except OSError as error:
        raise Failure(f"{folder} cannot be used: {error.strerror}. Choose another: cycletrace demo --dir DIR") from None
    return folder


def _at_least_one(text: str) -> int:
    if not text.isdigit() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"must be a number of cycles, at least 1, got {text!r}")
    return int(text)


def _exit(signum: int, _frame: FrameType | None) -> None:
    """Exit through the ``finally`` blocks, which end the demo's processes."""
    sys.exit(128 + signum)
