"""The OpenTelemetry Collector, with the configuration of ``compose/`` or with another one."""

from __future__ import annotations

import socket
from pathlib import Path
from urllib.parse import urlsplit

from tests.backends.programs import ROOT, Program, free_ports, program

IN_FRONT = ROOT / "compose" / "otelcol.yaml"


class Otelcol:
    """A collector that sends on to ``to`` (a base URL) by gRPC, with gzip."""

    def __init__(self, folder: Path, to: str) -> None:
        grpc, http = free_ports(2)
        self.grpc, self.http = f"http://127.0.0.1:{grpc}", f"http://127.0.0.1:{http}"
        self.program = Program(
            [program("otelcol"), "--config", str(IN_FRONT)],
            folder / "otelcol.log",
            lambda: all(_listens(port) for port in (grpc, http)),
            OTELCOL_GRPC=f"127.0.0.1:{grpc}",
            OTELCOL_HTTP=f"127.0.0.1:{http}",
            OTELCOL_TO=urlsplit(to).netloc,
            OTELCOL_STORAGE=str(folder / "queue"),
            OTELCOL_RETRY="200ms",
        )


def _listens(port: int) -> bool:
    with socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
