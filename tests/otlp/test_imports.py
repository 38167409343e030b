"""What records stays light, and what sends has imported all it needs before it sends, for a fork may come meanwhile."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import grpc
import pytest
from tests.collector.sinks import GrpcSink, HttpSink
from tests.journals import run_script
from tests.otlp.test_answers import status

HEAVY = """
import sys
heavy = ("google", "requests", "grpc", "aiohttp", "opentelemetry.proto", "opentelemetry.exporter")
print([name for name in sys.modules if name.startswith(heavy)])
"""

SEND = """
import sys
from cycletrace._internal.delivery.transport import open_sender
from cycletrace._internal.otlp.endpoint import Endpoint
from cycletrace._internal.otlp.signals import TRACES

with open_sender(Endpoint({url!r}), TRACES) as send:
    before = set(sys.modules)
    result = send(b"", 10.0)
    ours = ("cycletrace", "google", "grpc", "opentelemetry")
    print(result.retry_after, [name for name in set(sys.modules) - before if name.startswith(ours)])
"""


@pytest.mark.parametrize("then", ["", "with cycletrace.stage('train'):\n pass\n"], ids=["import", "stage"])
def test_recording_imports_nothing_that_sends(then: str, tmp_path: Path) -> None:
    assert run_script("import cycletrace\n" + then + HEAVY, tmp_path / "state").stdout == "[]\n"


def test_over_http_nothing_is_imported_by_the_first_request(tmp_path: Path) -> None:
    with closing(HttpSink()) as sink:
        sink.status, sink.body = 503, status(14, 1.5)
        done = run_script(SEND.format(url=sink.url), tmp_path / "state")
    assert (done.stdout, done.stderr) == ("1.5 []\n", "")


def test_over_grpc_nothing_is_imported_by_the_first_request(tmp_path: Path) -> None:
    with closing(GrpcSink()) as sink:
        sink.code = grpc.StatusCode.UNAVAILABLE
        sink.trailing = (("grpc-status-details-bin", status(14, 1.5)),)
        done = run_script(SEND.format(url=sink.url), tmp_path / "state")
    assert (done.stdout, done.stderr) == ("1.5 []\n", "")
