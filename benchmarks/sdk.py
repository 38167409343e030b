"""What a stage costs a script, as ratios against OpenTelemetry's own decorated span in the same run.

    python benchmarks/sdk.py

Rounds are interleaved, so that whatever else the machine does hits all alike; medians and quartiles are shown.
The peer is the SDK's recording span by ``tracer.start_as_current_span`` as a decorator, with a batch processor over
an exporter that does nothing: it keeps nothing that a kill would leave. Ours is in the journal before the body runs.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult

CALLS = 5_000
ROUNDS = 15
HITS = 200_000
LONG_LIST = list(range(500_000))


class Nowhere(SpanExporter):
    """An exporter that does nothing."""

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:  # noqa: ARG002 - by the interface
        """Do nothing."""
        return SpanExportResult.SUCCESS


class Figure(NamedTuple):
    """One line of the result: microseconds per call, and the ratio to the peer where there is one."""

    what: str
    median: float
    lower: float
    upper: float
    unit: str
    ratio: float | None = None
    aim: str = ""


def per_call(function: Callable[[], object], calls: int) -> float:
    """Microseconds that a call takes."""
    began = time.perf_counter()
    for _ in range(calls):
        function()
    return (time.perf_counter() - began) / calls * 1e6


def interleaved(functions: dict[str, Callable[[], object]], calls: int, rounds: int) -> dict[str, list[float]]:
    """Microseconds per call of each function, round by round."""
    times: dict[str, list[float]] = {name: [] for name in functions}
    for function in functions.values():
        per_call(function, calls // 5)
    for _ in range(rounds):
        for name, function in functions.items():
            times[name].append(per_call(function, calls))
    return times


def figure(what: str, values: list[float], unit: str, *, ratio: float | None = None, aim: str = "") -> Figure:
    """Median and quartiles."""
    lower, _, upper = statistics.quantiles(values, n=4)
    return Figure(what, statistics.median(values), lower, upper, unit, ratio, aim)


def stages(rounds: int) -> list[Figure]:
    """A stage of an empty function, by every surface."""
    import cycletrace as ct

    provider = TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(Nowhere()))
    tracer = provider.get_tracer("peer")

    def body(_: object = None) -> None:
        pass

    raw = tracer.start_as_current_span("train")(body)
    decorated = ct.stage("train")(body)
    defined = ct.stage("train")

    def entered() -> None:
        with defined:
            pass

    def defined_anew() -> None:
        with ct.stage("train"):
            pass

    with ct.cycle("peer", "1"):
        times = interleaved(
            {
                "OpenTelemetry's decorator": raw,
                "@stage": decorated,
                "with a stage defined once": entered,
                'with stage("train")': defined_anew,
                "@stage, 500,000 elements": partial(decorated, LONG_LIST),
            },
            CALLS,
            rounds,
        )
    peer = times["OpenTelemetry's decorator"]
    return [
        figure(
            name,
            values,
            "us",
            ratio=statistics.median(ours / theirs for ours, theirs in zip(values, peer, strict=True)),
            aim="" if values is peer else "1.5x",
        )
        for name, values in times.items()
    ]


def serving(rounds: int) -> Figure:
    """``served`` after the first."""
    import cycletrace as ct

    ct.served("peer", "1")
    empty = interleaved({"empty": lambda: None, "served": lambda: ct.served("peer", "1")}, HITS, rounds)
    values = [ours - floor for ours, floor in zip(empty["served"], empty["empty"], strict=True)]
    return figure("served, after the first", values, "us", aim="0.3 us")


def _child(code: str, **variables: str) -> float:
    began = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True, env={**os.environ, **variables})
    return time.perf_counter() - began


def importing(rounds: int) -> list[Figure]:
    """Import over bare Python, milliseconds; OpenTelemetry's API alone beside it."""
    codes = {
        "bare": "pass",
        "import of cycletrace": "from cycletrace import cycle, served, stage, waiting",
        "import of OpenTelemetry's API": "from opentelemetry import trace; trace.get_tracer('x')",
    }
    times: dict[str, list[float]] = {name: [] for name in codes}
    for _ in range(rounds):
        for name, code in codes.items():
            times[name].append(_child(code) * 1e3)
    bare = times.pop("bare")
    return [
        figure(
            name,
            [value - floor for value, floor in zip(values, bare, strict=True)],
            "ms",
            aim="15 ms" if "cycletrace" in name else "",
        )
        for name, values in times.items()
    ]


def disabled(rounds: int) -> Figure:
    """A stage of an empty function where ``CYCLETRACE_DISABLED`` is set, over the bare call."""
    code = (
        "import time\nfrom cycletrace import stage\ndef bare(): pass\nours = stage('train')(bare)\n"
        "def timed(f):\n    began = time.perf_counter()\n    for _ in range(100_000): f()\n"
        "    return (time.perf_counter() - began) * 10\n"
        "timed(ours); print(timed(ours) - timed(bare))"
    )
    values = []
    for _ in range(rounds):
        done = subprocess.run(
            [sys.executable, "-c", code],
            check=True,
            capture_output=True,
            text=True,
            env={**os.environ, "CYCLETRACE_DISABLED": "1"},
        )
        values.append(float(done.stdout))
    return figure("@stage, disabled", values, "us", aim="0.5 us")


def memory(calls: int) -> Figure:
    """How much memory grows over many stages, megabytes."""
    import cycletrace as ct

    decorated = ct.stage("train")(lambda: None)
    with ct.cycle("peer", "memory"):
        per_call(decorated, 20_000)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        per_call(decorated, calls)
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    return Figure(f"memory after {calls:,} stages", grown, grown, grown, "MB", aim="flat")


def table(figures: Sequence[Figure]) -> str:
    """The figures as a table of Markdown."""
    lines = ["| what | median | quartiles | against the peer | aim |", "|---|---|---|---|---|"]
    for each in figures:
        ratio = "" if each.ratio is None else f"{each.ratio:.2f}x"
        spread = f"{each.lower:.2f} to {each.upper:.2f}"
        lines.append(f"| {each.what} | {each.median:.2f} {each.unit} | {spread} | {ratio} | {each.aim} |")
    return "\n".join(lines)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="interleaved rounds")
    parser.add_argument("--stages", type=int, default=1_000_000, help="stages over which memory is watched")
    parser.add_argument("--json", action="store_true", help="one JSON object per figure")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ.update(CYCLETRACE_DIR=folder, CYCLETRACE_JOURNAL_LIMIT=str(1 << 28))
        figures: list[Any] = [
            *stages(args.rounds),
            serving(args.rounds),
            disabled(args.rounds),
            *importing(args.rounds),
            memory(args.stages),
        ]
    if args.json:
        for each in figures:
            print(json.dumps(each._asdict()))
    else:
        print(table(figures))


if __name__ == "__main__":
    main()
