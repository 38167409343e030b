"""What ``collector.py`` measures: our collector and its peers, each in front of a sink that counts what arrives.

cycletrace has written its records to disk, and has passed the request on, before it answers. otelcol has written the
whole request to disk, and makes metrics of all spans. rotel has no persistent queue: it answers when it has the spans
in memory. Its exporter compresses whatever its options say; so it is also measured without one, which is as little as
it can cost.
"""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import time
import urllib.request
import venv
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

from cycletrace import conventions as c

ROOT = Path(__file__).parents[1]
BACKENDS = ROOT / ".backends"
PATIENCE = 120.0
"""Seconds for whatever must happen."""
_TICKS = os.sysconf("SC_CLK_TCK")


class Sink(NamedTuple):
    """What a collector passes spans on to."""

    grpc: str
    http: str

    def state(self) -> Any:
        """Return how many ``spans`` arrived, and when metrics of which ``probes``."""
        with urllib.request.urlopen(f"http://{self.http}/", timeout=PATIENCE) as answer:
            return json.load(answer)


class Running(NamedTuple):
    """A collector that runs."""

    pid: int
    grpc: str
    http: str
    metrics: str = ""
    """Where our collector shows its metrics."""
    is_forwarding: bool = True


System = Callable[[Path, Sink, bool], Any]
"""Runs a collector in a folder before a sink, over HTTP or gRPC, and yields it as ``Running``."""


def until(look: Callable[[], object], what: str, pause: float = 0.02) -> None:
    """Wait until this is true."""
    deadline = time.monotonic() + PATIENCE
    while not look():
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {PATIENCE:g} s: {what}")
        time.sleep(pause)


def cpu_seconds(pid: int) -> float:
    """Return the user and system time of a process and its children, seconds."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    children = [
        int(child)
        for task in Path(f"/proc/{pid}/task").iterdir()
        for child in (task / "children").read_text(encoding="ascii").split()
    ]
    return sum(map(int, fields[11:15])) / _TICKS + sum(map(cpu_seconds, children))


# --- the sink and the sender --------------------------------------------------------------------------


def load_program() -> str:
    """Build ``otlp_load``, and return its path."""
    program = BACKENDS / "bin" / "otlp_load"
    subprocess.run(["go", "build", "-o", program, "."], cwd=ROOT / "benchmarks" / "otlp_load", check=True)
    return str(program)


@contextmanager
def sink() -> Iterator[Sink]:
    """Run a sink."""
    with _ended(
        subprocess.Popen([BACKENDS / "bin" / "otlp_load", "sink"], stdout=subprocess.PIPE, text=True)
    ) as process:
        assert process.stdout is not None
        yield Sink(*process.stdout.readline().split())


def sending(to: str, file: Path, *options: str) -> subprocess.Popen[str]:
    """Send requests."""
    command = [str(BACKENDS / "bin" / "otlp_load"), "send", "-to", to, "-requests", str(file), *options]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def send(running: Running, file: Path, is_http: bool, *options: str) -> Any:
    """Send requests, and return what the sender says when all are answered."""
    over = ("-http",) if is_http else ()
    with sending(running.http if is_http else running.grpc, file, *over, *options) as process:
        answer, _ = process.communicate()
    if process.returncode:
        raise RuntimeError("the requests could not be sent")
    return json.loads(answer)


# --- the collectors -----------------------------------------------------------------------------------


def cycletrace(source: Path = ROOT, *more: str) -> System:
    """Return our collector, as it is in this checkout."""

    @contextmanager
    def run(folder: Path, target: Sink, is_http: bool) -> Iterator[Running]:
        addresses = [f"--{name}=127.0.0.1:0" for name in ("grpc", "http", "prometheus")]
        to = f"traces=http://{target.http}" if is_http else f"traces=grpc://{target.grpc}"
        options = ["--store", str(folder / "store.db"), *addresses, "--forward", to, *more]
        process = subprocess.Popen(
            [sys.executable, "-m", "cycletrace", "collect", *options],
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(source / "src")},
        )
        with _ended(process):
            found: dict[str, str] = {}
            assert process.stdout is not None
            while "Prometheus" not in found:
                line = process.stdout.readline()
                if match := re.match(r"  (OTLP/gRPC|OTLP/HTTP|Prometheus) +(?:http://)?([^/\s]+)", line):
                    found[match[1]] = match[2]
                elif not line:
                    raise RuntimeError("the collector did not start")
            metrics = f"http://{found['Prometheus']}/metrics"
            yield Running(process.pid, found["OTLP/gRPC"], found["OTLP/HTTP"], metrics)

    return run


@contextmanager
def rotel(folder: Path, target: Sink, is_http: bool, *, is_forwarding: bool = True) -> Iterator[Running]:
    """Run rotel, of the newest release that PyPI has, also a preliminary one."""
    environment = BACKENDS / "rotel"
    if not (environment / "bin" / "python").exists():
        venv.create(environment, with_pip=True)
        install = ["-m", "pip", "install", "--quiet", "--pre", "rotel"]
        subprocess.run([environment / "bin" / "python", *install], check=True)
    (program,) = environment.glob("lib/*/site-packages/rotel/rotel-agent")
    grpc, http = _free_addresses(2)
    options = {
        "otlp-grpc-endpoint": grpc,
        "otlp-http-endpoint": http,
        "otlp-grpc-max-recv-msg-size-mib": "64",
        "exporter": "otlp" if is_forwarding else "blackhole",
        "otlp-exporter-protocol": "http" if is_http else "grpc",
        "otlp-exporter-endpoint": f"http://{target.http if is_http else target.grpc}",
        "otlp-exporter-compression": "none",
        "pid-file": str(folder / "rotel.pid"),
        "log-file": str(folder / "rotel.log"),
    }
    with (folder / "log").open("w") as log:
        command = [str(program), "start", *(f"--{name}={value}" for name, value in options.items())]
        with _ended(subprocess.Popen(command, stdout=log, stderr=log)) as process:
            until(lambda: _listens(grpc) and _listens(http), "rotel listens")
            yield Running(process.pid, grpc, http, is_forwarding=is_forwarding)


@contextmanager
def otelcol(folder: Path, target: Sink, is_http: bool) -> Iterator[Running]:
    """Run the OpenTelemetry Collector of ``scripts/backends``, with a persistent queue, and metrics of all spans."""
    grpc, http = _free_addresses(2)
    exporter = "otlp_http" if is_http else "otlp_grpc"
    to = {"endpoint": f"http://{target.http}"} if is_http else {"endpoint": target.grpc, "tls": {"insecure": True}}
    queue = {"storage": "file_storage", "block_on_overflow": True}
    configuration = {
        "extensions": {
            # Without fsync, what it accepted would survive its own end, but not that of the machine.
            "file_storage": {"directory": str(folder / "queue"), "create_directory": True, "fsync": True}
        },
        "receivers": {
            "otlp": {"protocols": {"grpc": {"endpoint": grpc, "max_recv_msg_size_mib": 64}, "http": {"endpoint": http}}}
        },
        "connectors": {
            "span_metrics": {
                "dimensions": [{"name": c.MODEL_NAME}, {"name": c.STAGE_KIND}],
                "metrics_flush_interval": "1s",
            }
        },
        "exporters": {
            exporter: {**to, "compression": "none", "sending_queue": queue, "retry_on_failure": {"max_elapsed_time": 0}}
        },
        "service": {
            "extensions": ["file_storage"],
            "pipelines": {
                "traces": {"receivers": ["otlp"], "exporters": [exporter, "span_metrics"]},
                "metrics": {"receivers": ["span_metrics"], "exporters": [exporter]},
            },
            "telemetry": {"metrics": {"level": "none"}},
        },
    }
    file = folder / "otelcol.yaml"
    file.write_text(json.dumps(configuration), encoding="utf-8")  # JSON is YAML
    with (folder / "log").open("w") as log:
        command = [str(BACKENDS / "bin" / "otelcol"), "--config", str(file)]
        with _ended(subprocess.Popen(command, stdout=log, stderr=log)) as process:
            until(lambda: _listens(grpc) and _listens(http), "otelcol listens (scripts/backends builds it)")
            yield Running(process.pid, grpc, http)


@contextmanager
def _ended(process: subprocess.Popen[Any]) -> Iterator[subprocess.Popen[Any]]:
    try:
        yield process
    finally:
        process.terminate()
        process.wait()


def _free_addresses(count: int) -> list[str]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    addresses = [f"127.0.0.1:{each.getsockname()[1]}" for each in sockets]
    for each in sockets:
        each.close()
    return addresses


def _listens(address: str) -> bool:
    host, _, port = address.partition(":")
    with suppress(OSError), socket.create_connection((host, int(port)), timeout=1):
        return True
    return False
