"""Measure decorators of other tracing SDKs, each in its own environment, against OpenTelemetry's in one process.

Run by ``sdk.py --peers``. As ``sdk_peers.py NAME ROUNDS`` it is the process that measures one, and prints the ratio of
each round. Each is set up to batch its spans and hand them to an exporter that does nothing.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import venv
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.sdk import Figure, Nowhere, body, figure, interleaved, opentelemetry_span
from opentelemetry.sdk.trace.export import BatchSpanProcessor

CALLS = 1_000
NOBODY = "http://127.0.0.1:1"


def logfire() -> Callable[[], Any]:
    """Return the function decorated by Pydantic's logfire."""
    import logfire

    processors = [BatchSpanProcessor(Nowhere())]
    logfire.configure(send_to_logfire=False, console=False, additional_span_processors=processors)
    return logfire.instrument("train")(body)  # type: ignore[no-any-return]


def traceloop() -> Callable[[], Any]:
    """Return the function decorated by Traceloop's OpenLLMetry."""
    from traceloop.sdk import Traceloop
    from traceloop.sdk.decorators import task

    Traceloop.init(exporter=Nowhere(), telemetry_enabled=False, instruments=set())
    return task(name="train")(body)  # type: ignore[no-any-return]


def langfuse() -> Callable[[], Any]:
    """Return the function decorated by Langfuse."""
    from langfuse import Langfuse, observe

    Langfuse(public_key="pk", secret_key="sk", base_url=NOBODY, span_exporter=Nowhere())
    return observe(name="train", capture_input=False, capture_output=False)(body)  # type: ignore[no-any-return]


def mlflow() -> Callable[[], Any]:
    """Return the function decorated by MLflow, with its OTLP exporter."""
    os.environ["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"] = NOBODY
    import mlflow
    from mlflow.tracing import provider

    provider.get_otlp_exporter = Nowhere
    mlflow.set_tracking_uri(NOBODY)
    return mlflow.trace(name="train")(body)  # type: ignore[no-any-return]


PEERS: dict[str, tuple[Callable[[], Callable[[], Any]], tuple[str, ...]]] = {
    "traceloop": (traceloop, ("traceloop-sdk", "httpx")),
    "logfire": (logfire, ("logfire",)),
    "langfuse": (langfuse, ("langfuse",)),
    "mlflow": (mlflow, ("mlflow-tracing", "opentelemetry-exporter-otlp-proto-http")),
}
"""The setup of each, and its requirement."""


def peers(rounds: int) -> list[Figure]:
    """Measure the decorator of each peer. Their environments are removed afterwards."""
    return [_measured(name, packages, rounds) for name, (_, packages) in PEERS.items()]


def _measured(name: str, packages: tuple[str, ...], rounds: int) -> Figure:
    with tempfile.TemporaryDirectory() as folder:
        venv.create(folder, with_pip=True)
        python = str(Path(folder) / "bin" / "python")
        # By uv: pip tries the versions of hundreds of dependencies for minutes.
        subprocess.run([python, "-m", "pip", "install", "--quiet", "uv"], check=True)
        subprocess.run([python, "-m", "uv", "pip", "install", "--quiet", "--python", python, *packages], check=True)
        done = subprocess.run([python, __file__, name, str(rounds)], check=True, stdout=subprocess.PIPE, text=True)
        version = subprocess.run(
            [python, "-c", f"from importlib.metadata import version; print(version({packages[0]!r}))"],
            check=True,
            stdout=subprocess.PIPE,
            text=True,
        ).stdout.strip()
    times = json.loads(done.stdout.splitlines()[-1])
    return figure(f"{packages[0]} {version}", times["peer"], "us", against=times["OpenTelemetry"])


def main() -> None:
    """Measure one peer, in its own process."""
    name, rounds = sys.argv[1:]
    set_up, _ = PEERS[name]
    times = interleaved({"OpenTelemetry": opentelemetry_span(), "peer": set_up()}, CALLS, int(rounds))
    print(json.dumps(times), flush=True)
    os._exit(0)  # what a peer does at its exit is not measured here


if __name__ == "__main__":
    main()
