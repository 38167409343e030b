"""What the collector can be told, on the command line or in a file of TOML: one table for both.

Light to import: the command line needs it for every command's help.
"""

from __future__ import annotations

from typing import NamedTuple


class Setting(NamedTuple):
    """One option: its name (``--name``, and ``name`` in the file), what it takes, its default as written, its help."""

    name: str
    takes: str
    default: str
    help: str
    is_list: bool = False


SETTINGS = (
    Setting("grpc", "HOST:PORT", "127.0.0.1:4317", "where OTLP over gRPC is received"),
    Setting("http", "HOST:PORT", "127.0.0.1:4318", "where OTLP over HTTP is received, with /healthz and /readyz"),
    Setting("store", "FILE", "", "the store (default: store.db in the state directory)"),
    Setting(
        "forward",
        "[SIGNAL=]URL",
        "",
        "where traces, logs and metrics go on to as they are, or those of one signal; may be repeated",
        is_list=True,
    ),
    Setting(
        "forward-headers",
        "K=V,...",
        "",
        "headers for what is forwarded, percent-encoded (better said by CYCLETRACE_FORWARD_HEADERS)",
    ),
    Setting("forward-certificate", "FILE", "", "certificates (PEM) to trust instead of the system's"),
    Setting("forward-client-certificate", "FILE", "", "certificate (PEM) to show to backends that ask for one"),
    Setting("forward-client-key", "FILE", "", "its private key (PEM; default: in the file of the certificate)"),
    Setting("forward-timeout", "LENGTH", "10s", "how long a backend may take to answer"),
    Setting("metrics-to", "URL", "", "where cycle-time metrics are sent by OTLP; may be repeated", is_list=True),
    Setting("metrics-headers", "K=V,...", "", "headers for these (better said by CYCLETRACE_METRICS_HEADERS)"),
    Setting("interval", "LENGTH", "10s", "how often they are sent"),
    Setting("prometheus", "HOST:PORT", "", "where /metrics is served for Prometheus, such as 127.0.0.1:9464"),
    Setting("grace", "LENGTH", "60s", "how long after a cycle closed it is told in metrics and derived spans"),
    Setting("target", "PART:LENGTH", "deployment:15m", "the target that cycles are held to"),
    Setting("label-limit", "N", "2000", "sets of labels that a metric may have, the overflowing one included"),
    Setting("max-body", "SIZE", "16MiB", "the largest request, before and after decompression"),
    Setting("max-in-flight", "SIZE", "256MiB", "memory for requests that are not answered yet"),
)
"""Every option but ``--config``.

``LENGTH`` is seconds, or a number with s, m, h, d; ``SIZE`` is bytes, or a number with KiB, MiB, GiB.
"""
