"""What a real Collector of OpenTelemetry writes as JSON is imported: its file exporter writes the same, a line each."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from tests.backends.programs import Program, eventually, free_ports, get, program, running
from tests.cli.commands import Shell

pytestmark = pytest.mark.backends

CONFIG = """
receivers: {{otlp: {{protocols: {{http: {{endpoint: "127.0.0.1:{port}"}}}}}}}}
exporters: {{otlp_http: {{endpoint: "http://127.0.0.1:{to}", encoding: json, compression: none}}}}
service:
  telemetry: {{metrics: {{level: none}}}}
  pipelines:
    traces: {{receivers: [otlp], exporters: [otlp_http]}}
    logs: {{receivers: [otlp], exporters: [otlp_http]}}
"""
RECORD = """
import cycletrace as ct
with ct.cycle("churn", "7", environment="prod") as cycle:
    with ct.stage("train", attributes={"rows": 3, "lr": 0.5}) as run, run.waiting("data"):
        pass
    try:
        with ct.stage("test"):
            raise ValueError("no data")
    except ValueError:
        pass
    cycle.mark("selected")
    cycle.alias("git:3f1c")
assert ct.flush(30)
"""


def test_what_otelcol_writes_is_imported(tmp_path: Path) -> None:
    lines: list[bytes] = []

    class Sink(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            lines.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    sink = ThreadingHTTPServer(("127.0.0.1", 0), Sink)
    threading.Thread(target=sink.serve_forever, daemon=True).start()
    (port,) = free_ports(1)
    config = tmp_path / "otelcol.yaml"
    config.write_text(CONFIG.format(port=port, to=sink.server_address[1]))
    url = f"http://127.0.0.1:{port}"
    otelcol = Program([program("otelcol"), "--config", str(config)], tmp_path / "log", lambda: get(url)[0] == 404)
    sender, reader = Shell(tmp_path / "sender"), Shell(tmp_path / "reader")
    for shell in (sender, reader):
        shell.folder.mkdir()
    try:
        with running(otelcol):
            assert sender.python(RECORD, OTEL_EXPORTER_OTLP_ENDPOINT=url).code == 0
            wanted = (b"git:3f1c", b"cycletrace.stage.started")
            eventually(lambda: all(any(word in line for line in lines) for word in wanted), "everything arrives")
    finally:
        sink.shutdown()
        sink.server_close()
    (reader.folder / "otlp.json").write_bytes(b"\n".join(lines))
    done = reader.run("import", "otlp", "otlp.json")
    assert (done.code, done.err) == (0, "")
    late = ("--at", "2090-01-01T00:00:00Z")
    assert reader.facts(*late) == sender.facts(*late)
