"""An existing script with ``@stage`` and no configuration journals; with an endpoint alone it delivers, too."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.journals import PATIENT, Journal, environment, run_script

from cycletrace import conventions as c
from cycletrace._internal.testing.collector import GRPC, HTTP, LOGS, TRACES
from cycletrace.testing import FakeCollector, Reply

LOGGING = "import logging; logging.basicConfig(format='%(name)s %(message)s')\n"
SCRIPT = """
from cycletrace import stage

@stage
def train():
    return 3

with stage("data"):
    pass
print(train())
"""

KILLED = """
import time
from cycletrace import stage

with stage("data"):
    pass
with stage("train"):
    print("training", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "state"


@pytest.fixture(params=[GRPC, HTTP])
def server(request: pytest.FixtureRequest) -> Iterator[FakeCollector]:
    with FakeCollector(request.param) as running:
        yield running


def to(server: FakeCollector, **variables: str) -> dict[str, str]:
    """The variables that deliver to this server."""
    return {"OTEL_EXPORTER_OTLP_ENDPOINT": server.endpoint, "OTEL_EXPORTER_OTLP_PROTOCOL": server.protocol, **variables}


def run(directory: Path, script: str = SCRIPT, **variables: str) -> subprocess.CompletedProcess[str]:
    """A run whose exit, output and silence are those of a program without cycletrace."""
    done = run_script(script, directory, **variables)
    assert (done.returncode, done.stdout, done.stderr) == (0, "3\n", "")
    return done


def killed(directory: Path, **variables: str) -> None:
    """A run that SIGKILL ends within its stage ``train``."""
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED],
        env=environment(directory, **variables),
        cwd=directory.parent,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stdout is not None
        assert process.stdout.readline() == "training\n"
        os.kill(process.pid, signal.SIGKILL)
        assert process.wait(60) == -signal.SIGKILL


def test_without_configuration_the_stages_are_in_the_journal(directory: Path) -> None:
    run(directory)
    assert Journal(directory).outcomes() == [("data", "ok"), ("train", "ok")]
    assert len(Journal(directory).events()) == 2


def test_an_endpoint_alone_has_every_record_delivered_once(directory: Path, server: FakeCollector) -> None:
    run(directory, **to(server))
    assert server.names() == ["data", "train"]
    assert server.names(LOGS) == [c.STAGE_STARTED, c.STAGE_STARTED]
    journaled = {span["span_id"]: span for span in Journal(directory).spans()}
    for span in server.spans:
        document = journaled[span.span_id]
        assert span.trace_id == document["trace_id"]
        assert span.parent == document["parent_span_id"]
        assert span.attributes == document["attributes"]
        assert span.resource["service.name"] == document["service"]


def test_delivered_records_are_not_delivered_again(directory: Path, server: FakeCollector) -> None:
    for _ in range(2):
        run(directory, **to(server))
    assert server.names() == ["data", "data", "train", "train"]
    assert not list((directory / "journal").glob("*.jsonl")), "delivered journals are put aside"


def test_records_journaled_without_an_endpoint_are_delivered_by_the_next_process(
    directory: Path, server: FakeCollector
) -> None:
    run(directory)
    run(directory, **to(server))
    assert server.names() == ["data", "data", "train", "train"]


def test_the_grpc_port_implies_grpc() -> None:
    from cycletrace._internal.delivery.destination import find

    protocols = {
        endpoint: found[TRACES].protocol
        for endpoint in ("http://collector:4317", "http://collector:4318", "collector:4317")
        if (found := find(endpoint, {}))
    }
    assert protocols == {
        "http://collector:4317": "grpc",
        "http://collector:4318": "http/protobuf",
        "collector:4317": "grpc",
    }


def test_after_a_kill_the_next_process_delivers_finished_stages_and_ends_running_ones(
    directory: Path, server: FakeCollector
) -> None:
    killed(directory)
    run(directory, **to(server))
    finished = Counter((span.name, span.attributes[c.STAGE_OUTCOME]) for span in server.spans)
    assert finished == {("data", "ok"): 2, ("train", "ok"): 1, ("train", "lost"): 1}
    (lost,) = (span for span in server.spans if span.attributes[c.STAGE_OUTCOME] == "lost")
    assert lost.is_error
    (started,) = (event for event in server.logs if event.attributes[c.STAGE_ID] == lost.attributes[c.STAGE_ID])
    assert started.trace_id == lost.trace_id


def test_records_leave_while_a_stage_still_runs(directory: Path, server: FakeCollector) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED], env=environment(directory, **to(server)), stdout=subprocess.DEVNULL
    )
    try:
        assert server.wait_for(1)
        assert server.wait_for(2, LOGS)
        assert process.poll() is None
    finally:
        process.kill()
        process.wait()
    assert server.names() == ["data"]


def test_an_exit_during_a_delivery_delivers_later_records(directory: Path, server: FakeCollector) -> None:
    server.replies[TRACES] = Reply(delay=0.5)
    script = """
import cycletrace as ct
with ct.stage("data"):
    pass
input()
with ct.stage("train"):
    pass
"""
    process = subprocess.Popen(
        [sys.executable, "-c", script], env=environment(directory, **to(server)), stdin=subprocess.PIPE, text=True
    )
    deadline = time.monotonic() + 60
    while not server.requests(TRACES) and time.monotonic() < deadline:
        time.sleep(0.02)
    process.communicate("go on\n", timeout=60)
    assert server.names() == ["data", "train"]


def test_a_backend_without_logs_is_logged_once_and_not_retried(directory: Path, server: FakeCollector) -> None:
    server.replies[LOGS] = Reply(status=404)
    first = run_script(LOGGING + SCRIPT, directory, **to(server))
    assert first.stderr.count("The endpoint does not support logs") == 1
    assert server.names() == ["data", "train"]
    assert len(server.requests(LOGS)) == 1
    second = run_script(LOGGING + SCRIPT, directory, **to(server))
    assert second.stderr == ""
    assert server.names() == ["data", "data", "train", "train"]
    assert len(server.requests(LOGS)) == 1


def test_a_partial_success_is_logged_and_not_resent(directory: Path, server: FakeCollector) -> None:
    server.replies[TRACES] = Reply(rejected=1, message="no such tenant")
    done = run_script(LOGGING + SCRIPT, directory, **to(server))
    assert "no such tenant" in done.stderr
    run(directory, **to(server))
    assert server.names() == ["data", "data", "train", "train"]


def test_a_rejected_request_is_split_into_single_records(directory: Path, server: FakeCollector) -> None:
    server.replies[TRACES] = Reply(status=400)
    run(directory, **to(server))
    assert len(server.requests(TRACES)) == 5, "three together, two, then each"
    server.reply_with()
    run(directory, **to(server))
    assert server.names() == ["data", "train"], "what was refused is not sent again"


def test_unavailable_then_back_delivers_everything_once(directory: Path, server: FakeCollector) -> None:
    server.reply_with(status=503)
    run(directory, **to(server))
    assert server.spans == []
    server.reply_with()
    run(directory, **to(server))
    assert server.names() == ["data", "data", "train", "train"]


def test_a_temporarily_unavailable_endpoint_is_retried_by_the_same_process(
    directory: Path, server: FakeCollector
) -> None:
    server.reply_with(status=503)
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED], env=environment(directory, **to(server)), stdout=subprocess.DEVNULL
    )
    try:
        deadline = time.monotonic() + 60
        while len(server.requests(TRACES)) < 2 and time.monotonic() < deadline:
            time.sleep(0.02)
        server.reply_with()
        assert server.wait_for(1)
    finally:
        process.kill()
        process.wait()
    assert server.names() == ["data"]


def test_a_request_is_retried_after_the_server_crashes(directory: Path, server: FakeCollector) -> None:
    server.reply_with(dies=True, keeps=True)
    run(directory, **to(server))
    before = Counter(span.span_id for span in server.spans)
    with FakeCollector() as heir:
        run(directory, **to(heir))
        after = {span.span_id for span in heir.spans}
    assert set(before) <= after, "not acknowledged is not delivered; the same ids make a repetition count once"
    assert len(after) == 4


def test_headers_and_compression_work_as_in_the_exporter(directory: Path, server: FakeCollector) -> None:
    variables = {
        "OTEL_EXPORTER_OTLP_HEADERS": "authorization=Bearer%20abc",
        "OTEL_EXPORTER_OTLP_LOGS_HEADERS": "x-tenant=ours",
        "OTEL_EXPORTER_OTLP_TRACES_COMPRESSION": "gzip",
    }
    run(directory, **to(server, **variables))
    assert server.names() == ["data", "train"]
    (traces,), (logs,) = server.requests(TRACES), server.requests(LOGS)
    assert traces["authorization"] == "Bearer abc"
    assert (logs.get("x-tenant"), logs.get("authorization")) == ("ours", None)
    if "content-type" in traces:
        assert traces["content-encoding"] == "gzip"
        assert "content-encoding" not in logs


def test_cycletraces_own_endpoint_takes_precedence_over_opentelemetrys(directory: Path) -> None:
    with FakeCollector() as ours, FakeCollector() as theirs:
        run(directory, **to(theirs, CYCLETRACE_ENDPOINT=ours.endpoint))
        assert (ours.names(), theirs.asked) == (["data", "train"], [])


def test_the_traces_variable_alone_sends_no_logs(directory: Path) -> None:
    with FakeCollector() as server:
        run(directory, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=f"{server.endpoint}/v1/traces")
        assert (server.names(), server.logs) == (["data", "train"], [])


def test_opentelemetry_disabled_means_journal_only(directory: Path, server: FakeCollector) -> None:
    run(directory, **to(server, OTEL_SDK_DISABLED="true"))
    assert server.asked == []
    assert Journal(directory).outcomes() == [("data", "ok"), ("train", "ok")]


def test_flush_returns_whether_all_was_delivered(directory: Path, server: FakeCollector) -> None:
    script = """
from cycletrace import flush, stage
with stage("data"):
    pass
print(flush(20), flush())
"""
    assert run_script(script, directory, **to(server)).stdout == "True True\n"
    assert server.names() == ["data"]
    server.reply_with(status=503)
    assert run_script(script, directory, **to(server)).stdout == "False False\n"


@pytest.mark.parametrize("how", [{"hangs": True}, {"delay": 30.0}], ids=["hangs", "slow"])
def test_an_exit_is_not_delayed_by_an_unresponsive_endpoint(
    directory: Path, server: FakeCollector, how: dict[str, Any]
) -> None:
    began = time.monotonic()
    run(directory, **to(server))
    undisturbed = time.monotonic() - began
    server.reply_with(**how)
    began = time.monotonic()
    run(directory, **to(server))
    # The budget is 2 s; without it the exit would take the exporter's timeout, 10 s a signal.
    assert time.monotonic() - began < 8 + 5 * undisturbed
    server.released.set()
    assert Journal(directory).outcomes() == [("data", "ok")] * 2 + [("train", "ok")] * 2


def test_an_exit_is_not_delayed_if_nothing_listens(directory: Path) -> None:
    with FakeCollector() as server:
        endpoint = server.endpoint
    run(directory, OTEL_EXPORTER_OTLP_ENDPOINT=endpoint)
    assert Journal(directory).outcomes() == [("data", "ok"), ("train", "ok")]


def test_a_claim_of_a_process_that_is_gone_is_taken_over(directory: Path, server: FakeCollector) -> None:
    server.reply_with(hangs=True)
    killed(directory, **to(server))
    server.released.set()
    server.reply_with()
    run(directory, **to(server))
    assert Counter(span.name for span in server.spans) == {"data": 2, "train": 2}


def test_many_processes_at_once_deliver_each_record(directory: Path) -> None:
    with FakeCollector() as server:
        processes = [
            subprocess.Popen(
                [sys.executable, "-c", SCRIPT], env=environment(directory, **to(server)), stdout=subprocess.DEVNULL
            )
            for _ in range(6)
        ]
        assert [process.wait(60) for process in processes] == [0] * 6
        run(directory, PATIENT + SCRIPT, **to(server))
        assert {span.span_id for span in server.spans} == {span["span_id"] for span in Journal(directory).spans()}
        assert len({span.span_id for span in server.spans}) == 14


INSTRUMENTED = """
import requests, sys, time
from opentelemetry import context
from opentelemetry.context import _SUPPRESS_HTTP_INSTRUMENTATION_KEY, _SUPPRESS_INSTRUMENTATION_KEY

send = requests.Session.send

def traced(*args, **kwargs):  # as instrumentations do
    keys = (_SUPPRESS_INSTRUMENTATION_KEY, _SUPPRESS_HTTP_INSTRUMENTATION_KEY)
    print(*(context.get_value(key) for key in keys))
    return send(*args, **kwargs)

requests.Session.send = traced
from cycletrace import flush, stage
with stage("train"):
    if "wait" in sys.argv:
        time.sleep(1.5)
if "flush" in sys.argv:
    flush(30)
"""


@pytest.mark.parametrize("how", ["wait", "flush", "exit"])
def test_our_requests_are_not_instrumented(tmp_path: Path, how: str) -> None:
    with FakeCollector() as server:
        done = run_script(PATIENT + INSTRUMENTED, tmp_path / "state", how, OTEL_EXPORTER_OTLP_ENDPOINT=server.endpoint)
    assert done.returncode == 0, done.stderr
    assert set(done.stdout.splitlines()) == {"True True"}
