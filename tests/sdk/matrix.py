"""One cell of the matrix of processes: a program with cycletrace against the same program without."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from tests.journals import Journal, Node, environment
from tests.sdk import program

from cycletrace._internal.delivery.destination import find
from cycletrace._internal.delivery.shipper import Shipper
from cycletrace._internal.journal.orphans import close_orphans
from cycletrace._internal.testing.collector import GRPC, HTTP
from cycletrace.testing import FakeCollector

ROOT = Path(__file__).parents[2]
STARTS = list(program.STARTS)
ENDINGS = {
    "return": "ok",
    "exception": "error",
    "sys.exit": "error",
    "Ctrl-C": "interrupted",
    "SIGTERM": "lost",
    "SIGKILL": "lost",
    "os._exit": "lost",
    "terminate": "lost",
}
"""How the work ends, and the outcome of the stage that it ends in."""
ENDPOINTS = ["none", "up", "up by gRPC", "refusing", "hanging", "answering 503", "slow", "dying half-way"]


class Done(NamedTuple):
    """The observable result of a run of the program."""

    code: int
    output: str
    errors: str
    seconds: float


@contextmanager
def endpoint(state: str) -> Generator[FakeCollector | None, None, None]:
    """An OTLP endpoint in this state; ``None`` where there is none at all."""
    if state == "none":
        yield None
        return
    with FakeCollector(GRPC if state == "up by gRPC" else HTTP) as server:
        if state == "hanging":
            server.reply_with(hangs=True)
        elif state == "answering 503":
            server.reply_with(status=503)
        elif state == "slow":
            server.reply_with(delay=0.5)
        elif state == "dying half-way":
            server.reply_with(dies=True)
        elif state == "refusing":
            server.refuse()
        yield server


def run(start: str, ending: str, directory: Path, *, is_with: bool, server: FakeCollector | None = None) -> Done:
    """Run the program to its end."""
    marker = directory.parent / f"marker {is_with}"
    variables = {"WITH_CYCLETRACE": str(int(is_with)), "MARKER": str(marker), "PYTHONPATH": str(ROOT)}
    if server is not None:
        variables["OTEL_EXPORTER_OTLP_ENDPOINT"] = server.endpoint
        variables["OTEL_EXPORTER_OTLP_PROTOCOL"] = server.protocol
    began = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, program.__file__, start, ending],
        # Where a request is on its way, Python 3.12 and newer warn of our thread at a fork, and rightly.
        env=environment(directory, PYTHONWARNINGS="default,ignore::DeprecationWarning", **variables),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    if start == "plain" and ending == "terminate":
        while not marker.exists() and process.poll() is None:
            time.sleep(0.01)
        os.kill(process.pid, signal.SIGTERM)
    output, errors = process.communicate(timeout=60)
    return Done(process.returncode, output, errors, time.monotonic() - began)


def expected(start: str, ending: str) -> Node:
    """Return the tree of stages that such a run leaves, once dead stages are ended."""
    outcome = ENDINGS[ending]
    if start == "subprocess":
        return Node("outer", "ok", (expected("plain", ending),))
    return Node("outer", outcome if start == "plain" else "ok", (Node("finished", "ok"), Node("running", outcome)))


def check(start: str, ending: str, state: str, folder: Path, without: Callable[[str, str], Done]) -> None:
    """Run one cell.

    Raises:
        AssertionError: where cycletrace changed the program, or a stage is missing, doubled or wrong.
    """
    directory = folder / "state"
    plainly = without(start, ending)
    with endpoint(state) as server:
        done = run(start, ending, directory, is_with=True, server=server)
        assert done[:3] == plainly[:3]
        # The budget is 2 s; the rest is for a machine that does other things. benchmarks/sdk.py has the figures.
        assert done.seconds < 20 + 5 * plainly.seconds
        close_orphans(directory)
        journal = Journal(directory)
        assert journal.trees() == [expected(start, ending)]
        started = Counter(event["span_id"] for event in journal.events())
        assert started == Counter(span["span_id"] for span in journal.spans()), "each began once and ended once"
        if server is None or state == "refusing":
            return
        server.released.set()
        server.reply_with()
        destination = find(server.endpoint, {"OTEL_EXPORTER_OTLP_PROTOCOL": server.protocol})
        assert destination is not None
        assert Shipper(directory, destination).deliver_all(time.monotonic() + 20)
        assert {span.span_id for span in server.spans} == set(started)
        if state.startswith("up"):
            assert len(server.spans) == len(started), "delivered once"
