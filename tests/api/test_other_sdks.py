"""Tracing SDKs of the program export what they would without us, each in a process of its own.

Those that are not installed are skipped; ``nox -s sdks`` installs all.
"""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from tests.journals import Journal, run_script

CALLS = 3_000

COMMON = """
import contextlib, json, sys, warnings
warnings.simplefilter("ignore")
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.id_generator import IdGenerator, RandomIdGenerator
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased

how, share, calls = sys.argv[1], float(sys.argv[2]), int(sys.argv[3])
exporter = InMemorySpanExporter()
NOBODY = "http://127.0.0.1:1"

def body():
    pass
"""
FINISH = """
with contextlib.redirect_stdout(sys.stderr):
    import cycletrace
    if how == "propagated":
        cycletrace.configure(propagate=True)
    with contextlib.nullcontext() if how == "alone" else cycletrace.stage("stage"):
        for _ in range(calls):
            spanned()
    finish()
spans = [span for span in exporter.get_finished_spans() if span.name.startswith("train")]
print(json.dumps([[span.context.trace_id, span.parent and span.parent.span_id] for span in spans]))
"""

SDKS = {
    "opentelemetry": """
class EvenlySpread(IdGenerator):
    def __init__(self):
        self.made = 0
    def generate_span_id(self):
        return RandomIdGenerator().generate_span_id()
    def generate_trace_id(self):
        self.made += 1
        return (1 << 64) + (2 * self.made - 1) * ((1 << 63) // calls)

provider = TracerProvider(sampler=ParentBased(TraceIdRatioBased(share)), id_generator=EvenlySpread())
provider.add_span_processor(SimpleSpanProcessor(exporter))
trace.set_tracer_provider(provider)
spanned = trace.get_tracer("theirs").start_as_current_span("train")(body)
finish = provider.force_flush
""",
    "logfire": """
import logfire
logfire.configure(
    send_to_logfire=False, console=False, inspect_arguments=False,
    additional_span_processors=[SimpleSpanProcessor(exporter)], sampling=logfire.SamplingOptions(head=share),
)
spanned, finish = logfire.instrument("train")(body), logfire.force_flush
""",
    "langfuse": """
from langfuse import Langfuse, observe
client = Langfuse(public_key="pk", secret_key="sk", base_url=NOBODY, span_exporter=exporter, sample_rate=share)
spanned, finish = observe(name="train", capture_input=False, capture_output=False)(body), client.flush
""",
    "traceloop": """
from traceloop.sdk import Traceloop
from traceloop.sdk.decorators import task
with contextlib.redirect_stdout(sys.stderr):
    Traceloop.init(
        processor=SimpleSpanProcessor(exporter), telemetry_enabled=False, instruments=set(),
        sampler=ParentBased(TraceIdRatioBased(share)),
    )
spanned, finish = task(name="train")(body), trace.get_tracer_provider().force_flush
""",
    "mlflow": """
import os
os.environ.update(OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=NOBODY, MLFLOW_TRACE_SAMPLING_RATIO=str(share))
import mlflow
from mlflow.tracing import provider
provider.get_otlp_exporter = lambda: exporter
mlflow.set_tracking_uri(NOBODY)
spanned = mlflow.trace(name="train")(body)
def finish():
    provider.provider.get().force_flush()
""",
}


def exported(sdk: str, how: str, tmp_path: Path, *, share: float, calls: int = CALLS) -> list[Any]:
    """Return the trace and the parent of each root span that the program made, as its backend gets them."""
    arguments = (how, str(share), str(calls))
    done = run_script(COMMON + SDKS[sdk] + FINISH, tmp_path / "state", *arguments, TRACELOOP_TELEMETRY="false")
    assert done.returncode == 0, done.stderr
    spans: list[Any] = json.loads(done.stdout.splitlines()[-1])
    return spans


@pytest.fixture(params=SDKS)
def sdk(request: pytest.FixtureRequest) -> str:
    name = str(request.param)
    if find_spec(name) is None:
        pytest.skip(f"{name} is not installed")
    return name


@pytest.mark.parametrize("how", ["alone", "staged"])
def test_root_spans_stay_roots_of_traces_of_their_own(sdk: str, how: str, tmp_path: Path) -> None:
    spans = exported(sdk, how, tmp_path, share=1, calls=20)
    assert [parent for _, parent in spans] == [None] * 20
    assert len({trace_id for trace_id, _ in spans}) == 20
    if how == "staged":
        assert Journal(tmp_path / "state").outcomes() == [("stage", "ok")]


def test_a_ratio_sampler_keeps_its_share(sdk: str, tmp_path: Path) -> None:
    kept = len(exported(sdk, "staged", tmp_path, share=0.01))
    if sdk == "opentelemetry":
        assert kept == CALLS / 100
    else:  # ids are random: six standard deviations around 30
        assert 0 < kept < 63


def test_with_propagation_their_spans_are_inside_the_stage_and_a_sampler_by_parent_keeps_all(tmp_path: Path) -> None:
    spans = exported("opentelemetry", "propagated", tmp_path, share=0.01, calls=300)
    (stage,) = Journal(tmp_path / "state").spans()
    assert spans == [[int(stage["trace_id"], 16), int(stage["span_id"], 16)]] * 300
