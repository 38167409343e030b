"""``cycletrace demo``: a real model from its data into use, and the report of its cycle."""

from __future__ import annotations

import argparse
import signal
import sys
from contextlib import nullcontext
from itertools import count
from pathlib import Path
from shlex import quote
from types import FrameType
from typing import Any

from cycletrace.cli.failure import Failure, require

FOLDER = "cycletrace-demo"


def add_parser(commands: Any) -> None:
    """Add the subcommand."""
    parser = commands.add_parser(
        "demo",
        help="take a real model from its data into use and report its cycle",
        description="Train, test, deploy and use a real model, each step a process of its own, and report how long its "
        "cycle took. On a terminal you are asked to select and to approve. All in under a minute, with no network.",
    )
    parser.add_argument("--yes", action="store_true", help="ask nobody: a rule selects and approves")
    parser.add_argument(
        "--cycles",
        type=_at_least_one,
        default=1,
        metavar="N",
        help="versions to take through (default: 1); the second fails its tests, the third is left open",
    )
    parser.add_argument(
        "--dir", type=Path, metavar="DIR", help=f"a new or empty folder for all of it (default: ./{FOLDER})"
    )
    parser.add_argument(
        "--collector", action="store_true", help="have a collector hear it too, and compare what both ways in say"
    )
    parser.add_argument("--json", action="store_true", help="print the report as JSON, and the progress on stderr")
    parser.set_defaults(run=run, tells_itself=True)


def run(args: argparse.Namespace) -> int:
    """Run the demo, then its report. Returns 1 where a step fails that should not."""
    require("the demo", ("sklearn", "pytest", "rich"), "demo")
    if args.collector:
        require("the demo", ("aiohttp", "grpc"), "demo,collector")
    from cycletrace.cli.demo_collector import collecting, compare
    from cycletrace.demo.run import DemoError
    from cycletrace.demo.run import run as run_demo

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
        print(f"\ncycletrace: {error}\nAll of it is kept in {root}.", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        seen = f"See it: cycletrace report {_where(root)}"
        print(f"\ncycletrace: interrupted. What happened until then is kept. {seen}", file=sys.stderr)
        raise
    finally:
        signal.signal(signal.SIGTERM, before)
    return max(code, _report(root, args.cycles, as_json=args.json))


def _report(root: Path, cycles: int, *, as_json: bool) -> int:
    """The report of the one cycle, or of all; then what to try next."""
    from cycletrace.cli.main import main

    one = ["--cycle", "digits@1"]
    if as_json:
        return main(["report", "--dir", str(root), *(one if cycles == 1 else []), "--json"])
    print(flush=True)
    code = main(["report", "--dir", str(root), *(one if cycles == 1 else [])])
    print(f"""
Everything lies in {root}: records, models, and the demo's own log.
Try next:
  cycletrace report {_where(root)}{" --cycle digits@1" if cycles > 1 else ""}
  cycletrace facts {_where(root)}
  cycletrace run --stage train -- python your_training_script.py""")
    return code


def _where(root: Path) -> str:
    return f"--dir {quote(str(root))}"


def _folder(chosen: Path | None) -> Path:
    """A folder with nothing in it: two demos in one would be taken for one history.

    Raises:
        Failure: where the chosen one is not empty, or cannot be made.
    """
    names = (FOLDER if number == 1 else f"{FOLDER}-{number}" for number in count(1))
    folder = chosen or next(path for path in map(Path, names) if not path.exists())
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise Failure(f"{folder} is not empty. Choose a new folder: cycletrace demo --dir DIR")
    except OSError as error:
        raise Failure(f"{folder} cannot be used: {error.strerror}. Choose another: cycletrace demo --dir DIR") from None
    return folder


def _at_least_one(text: str) -> int:
    if not text.isdigit() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of cycles: write 1 or more")
    return int(text)


def _exit(signum: int, _frame: FrameType | None) -> None:
    """Leave by way of all ``finally``s, which end the demo's processes."""
    sys.exit(128 + signum)
