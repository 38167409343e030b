"""What a stage costs a script, as ratios against OpenTelemetry's own decorated span in the same run.

    python benchmarks/sdk.py [--peers]

Rounds are interleaved, so that whatever else the machine does hits all alike; medians and quartiles are shown.
The peer is the SDK's recording span by ``tracer.start_as_current_span`` as a decorator, with a batch processor over
an exporter that does nothing: it keeps nothing that a kill would leave. Its queue has room for all of them, since
dropping some would make it look faster. Ours is in the journal before the body runs.
``--peers`` adds other tracing SDKs, each in an environment of its own against the same peer.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult

sys.path.insert(0, str(Path(__file__).parents[1]))

CALLS = 5_000
ROUNDS = 15
HITS = 200_000
LONG_LIST = list(range(500_000))
os.environ["OTEL_BSP_MAX_QUEUE_SIZE"] = str(1 << 20)


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


def figure(what: str, values: list[float], unit: str, *, against: list[float] | None = None, aim: str = "") -> Figure:
    """Median and quartiles, and the median over the rounds of the ratio to what ran beside it."""
    lower, _, upper = statistics.quantiles(values, n=4)
    ratio = statistics.median(a / b for a, b in zip(values, against, strict=True)) if against else None
    return Figure(what, statistics.median(values), lower, upper, unit, ratio, aim)


def differences(values: list[float], floor: list[float]) -> list[float]:
    """What each round took over its floor."""
    return [value - bare for value, bare in zip(values, floor, strict=True)]


def body(_: object = None) -> None:
    """What is traced: nothing."""


def opentelemetry_span() -> Callable[[], Any]:
    """The peer: that function, decorated by OpenTelemetry's SDK."""
    provider = TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(Nowhere()))
    return provider.get_tracer("peer").start_as_current_span("train")(body)


def stages(rounds: int) -> list[Figure]:
    """A stage of an empty function, by every surface."""
    import cycletrace as ct

    raw = opentelemetry_span()
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
                "`@stage`": decorated,
                "`with` a stage defined once": entered,
                '`with stage("train")`': defined_anew,
                "`@stage`, 500,000 elements passed through": partial(decorated, LONG_LIST),
            },
            CALLS,
            rounds,
        )
    peer = times["OpenTelemetry's decorator"]
    return [
        figure(name, values, "us", against=peer, aim="" if values is peer else "1.5x") for name, values in times.items()
    ]


def processed(rounds: int) -> Figure:
    """A stage that is also handed to a span processor of the user's."""
    import cycletrace as ct

    ct.configure(span_processors=[BatchSpanProcessor(Nowhere())])
    with ct.cycle("peer", "processed"):
        times = interleaved({"peer": opentelemetry_span(), "ours": ct.stage("train")(body)}, CALLS, rounds)
    ct.configure(span_processors=[])
    return figure("`@stage`, with `span_processors`", times["ours"], "us", against=times["peer"])


def nested(count: int) -> float:
    """Microseconds of each of so many stages, one inside the other."""
    import cycletrace as ct

    each = ct.stage("train")
    began = time.perf_counter()
    with ExitStack() as entered:
        for _ in range(count):
            entered.enter_context(each)
    return (time.perf_counter() - began) / count * 1e6


def concurrent(count: int) -> float:
    """Microseconds of each of so many stages of tasks that run at once."""
    import cycletrace as ct

    each = ct.stage("train")

    async def task(over: asyncio.Event) -> None:
        with each:
            await over.wait()

    async def tasks() -> None:
        over = asyncio.Event()
        started = [asyncio.create_task(task(over)) for _ in range(count)]
        await asyncio.sleep(0)
        over.set()
        await asyncio.gather(*started)

    began = time.perf_counter()
    asyncio.run(tasks())
    return (time.perf_counter() - began) / count * 1e6


def many_at_once(rounds: int) -> list[Figure]:
    """Stages while many others run, against the same while few do."""
    import cycletrace as ct

    figures = []
    with ct.cycle("peer", "many"):
        for what, many, few, run in (
            ("10,000 nested stages, each", 10_000, 100, nested),
            ("1,000 concurrent stages, each", 1_000, 10, concurrent),
        ):
            run(few)
            peer, ours = [], []
            for _ in range(rounds):
                peer.append(statistics.median(run(few) for _ in range(10)))
                ours.append(run(many))
            figures.append(figure(what, ours, "us", against=peer, aim="2x of few"))
    return figures


def serving(rounds: int) -> Figure:
    """``served`` after the first."""
    import cycletrace as ct

    ct.served("peer", "1")
    times = interleaved({"empty": lambda: None, "served": lambda: ct.served("peer", "1")}, HITS, rounds)
    return figure("`served`, after the first", differences(times["served"], times["empty"]), "us", aim="0.3 us")


class Took(NamedTuple):
    """Milliseconds that a program took."""

    wall: float
    cpu: float
    """Of processors, which other programs on the machine hardly change."""


def program(code: str, **variables: str) -> Took:
    """Run this text, with these variables."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    began = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True, env={**os.environ, **variables})
    wall = time.perf_counter() - began
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return Took(wall * 1e3, (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) * 1e3)


FIRST_STAGE = "from cycletrace import stage\nwith stage('train'): pass"


def importing(rounds: int) -> list[Figure]:
    """Imports over bare Python: milliseconds of processor time; OpenTelemetry's API alone beside ours."""
    codes = {
        "bare": "pass",
        "OpenTelemetry's API": "from opentelemetry import trace; trace.get_tracer('x')",
        "cycletrace": "from cycletrace import cycle, served, stage, waiting",
    }
    times: dict[str, list[float]] = {name: [] for name in codes}
    for _ in range(rounds):
        for name, code in codes.items():
            times[name].append(program(code).cpu)
    peer = differences(times["OpenTelemetry's API"], times["bare"])
    ours = differences(times["cycletrace"], times["bare"])
    return [
        figure("import of OpenTelemetry's API", peer, "ms", against=peer),
        figure("import of cycletrace", ours, "ms", against=peer, aim="15 ms"),
    ]


def exits(rounds: int) -> list[Figure]:
    """A program with one stage over the same without an endpoint, by what its endpoint does; milliseconds."""
    from cycletrace.testing import FakeCollector

    with FakeCollector() as healthy, FakeCollector() as refusing, FakeCollector() as hanging:
        refusing.refuse()
        hanging.reply_with(hangs=True)
        collectors = {"healthy": healthy, "refusing": refusing, "hanging": hanging}
        endpoints = {"none": "", **{name: collector.endpoint for name, collector in collectors.items()}}
        times: dict[str, list[float]] = {name: [] for name in endpoints}
        for _ in range(rounds):
            for name, endpoint in endpoints.items():
                with tempfile.TemporaryDirectory() as folder:  # nothing else to deliver
                    variables = {"OTEL_EXPORTER_OTLP_ENDPOINT": endpoint, "CYCLETRACE_DIR": folder}
                    times[name].append(program(FIRST_STAGE, **variables).wall)
    aims = {"healthy": "300 ms", "refusing": "300 ms", "hanging": "2000 ms"}
    return [
        figure(f"exit, collector {name}", differences(times[name], times["none"]), "ms", aim=aim)
        for name, aim in aims.items()
    ]


def output(code: str, *arguments: str, **variables: str) -> str:
    """Run this text, and return what it prints."""
    command = [sys.executable, "-c", code, *arguments]
    environment = {**os.environ, **variables}
    return subprocess.run(command, check=True, capture_output=True, text=True, env=environment).stdout


FORKS = """
import contextlib, os, sys, time
from opentelemetry.sdk.trace import TracerProvider
from cycletrace import stage
around, inside = (stage(name) if name in sys.argv else contextlib.nullcontext() for name in ("around", "inside"))
with around:
    began = time.perf_counter()
    for _ in range(20):
        pid = os.fork()
        if pid == 0:
            with inside:
                pass
            os._exit(0)
        os.waitpid(pid, 0)
    print((time.perf_counter() - began) * 50)
"""


def forking(rounds: int) -> list[Figure]:
    """A child process that is forked within a stage, and one that has a stage, too; milliseconds over a bare fork."""
    times: dict[tuple[str, ...], list[float]] = {(): [], ("around",): [], ("around", "inside"): []}
    for _ in range(rounds):
        for names, values in times.items():
            values.append(float(output(FORKS, *names)))
    bare, *ours = times.values()
    names = ("a child forked within a stage", "the same, with a stage in the child")
    return [figure(name, differences(values, bare), "ms") for name, values in zip(names, ours, strict=True)]


DISABLED = """
import json, time
from contextlib import nullcontext
from cycletrace import cycle, stage, waiting

defined = stage("train")

def peer():
    with nullcontext("train"): pass
def reused():
    with defined: pass
def block():
    with stage("train"): pass
def joined():
    with cycle("churn", "7"): pass
def waited():
    with waiting("data"): pass
def bare(): pass
forms = {
    "peer": peer,
    "`@stage`": stage("train")(bare),
    "`with` a stage defined once": reused,
    '`with stage("train")`': block,
    '`with cycle("churn", "7")`': joined,
    '`with waiting("data")`': waited,
}
def timed(form):
    began = time.perf_counter()
    for _ in range(50_000): form()
    return (time.perf_counter() - began) * 20
for form in forms.values(): timed(form)
print(json.dumps({name: timed(form) for name, form in forms.items()}))
"""


def disabled(rounds: int) -> list[Figure]:
    """Every form where ``CYCLETRACE_DISABLED`` is set, against ``with nullcontext("train")``."""
    times: dict[str, list[float]] = {}
    for _ in range(rounds):
        for name, value in json.loads(output(DISABLED, CYCLETRACE_DISABLED="1")).items():
            times.setdefault(name, []).append(value)
    peer = times.pop("peer")
    return [
        figure("`with nullcontext(...)`", peer, "us", against=peer),
        *(figure(f"{name}, disabled", values, "us", against=peer, aim="3x") for name, values in times.items()),
    ]


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
    parser.add_argument("--peers", action="store_true", help="measure other tracing SDKs, too: installs them")
    parser.add_argument("--json", action="store_true", help="one JSON object per figure")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ.update(CYCLETRACE_DIR=folder, CYCLETRACE_JOURNAL_LIMIT=str(1 << 28))
        figures = [
            *stages(args.rounds),
            processed(args.rounds),
            *many_at_once(args.rounds),
            serving(args.rounds),
            *disabled(args.rounds),
            *importing(args.rounds),
            *exits(args.rounds),
            *forking(args.rounds),
            memory(args.stages),
        ]
        if args.peers:
            from benchmarks.sdk_peers import peers

            figures += peers(args.rounds)
    if args.json:
        for each in figures:
            print(json.dumps(each._asdict()))
    else:
        print(table(figures))


if __name__ == "__main__":
    main()
