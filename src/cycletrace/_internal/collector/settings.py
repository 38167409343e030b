"""The options of ``cycletrace collect``, on the command line and in a TOML file: one table for both.

Light to import: the command line needs it for every command's help.
"""

from __future__ import annotations

from typing import NamedTuple


class Setting(NamedTuple):
    """One option: its name (``--name``, and ``name`` in the file), its value, its default as written, its help."""

    name: str
    takes: str
    default: str
    help: str
    is_list: bool = False
    is_flag: bool = False


SETTINGS = (
    Setting("grpc", "HOST:PORT", "127.0.0.1:4317", "address for OTLP over gRPC"),
    Setting("http", "HOST:PORT", "127.0.0.1:4318", "address for OTLP over HTTP, /healthz and /readyz"),
    Setting(
        "store",
        "STORE",
        "",
        "a file, or the postgresql:// URL of a database; by default store.db in the state directory",
    ),
    Setting(
        "forward",
        "[SIGNAL=]URL",
        "",
        "a backend to forward traces, logs and metrics to, or only one signal; may be repeated",
        is_list=True,
    ),
    Setting(
        "forward-headers",
        "K=V,...",
        "",
        "headers for forwarded requests, percent-encoded; prefer CYCLETRACE_FORWARD_HEADERS",
    ),
    Setting("forward-certificate", "FILE", "", "certificates (PEM) to trust instead of the system's"),
    Setting("forward-client-certificate", "FILE", "", "the client certificate (PEM) for backends that require one"),
    Setting("forward-client-key", "FILE", "", "its private key (PEM); by default read from the certificate file"),
    Setting("forward-timeout", "LENGTH", "10s", "how long a backend may take to respond"),
    Setting("metrics-to", "URL", "", "where to send cycle-time metrics over OTLP; may be repeated", is_list=True),
    Setting("metrics-headers", "K=V,...", "", "headers for these; prefer CYCLETRACE_METRICS_HEADERS"),
    Setting("interval", "LENGTH", "10s", "how often they are sent"),
    Setting("prometheus", "HOST:PORT", "", "address of /metrics for Prometheus, such as 127.0.0.1:9464"),
    Setting(
        "board",
        "HOST:PORT",
        "",
        "address of the live board, without --tokens on this machine only, such as 127.0.0.1:4319",
    ),
    Setting(
        "tokens", "FILE", "", "the tokens of those who may send and read (see cycletrace token add); by default all"
    ),
    Setting(
        "tls-cert", "FILE", "", "the certificate (PEM) of everything that listens, with its chain; by default no TLS"
    ),
    Setting("tls-key", "FILE", "", "its private key (PEM); by default read from the certificate file"),
    Setting("tls-client-ca", "FILE", "", "certificates (PEM) that sign those of clients, who need one then"),
    Setting(
        "insecure",
        "true or false",
        "",
        "listen on addresses that other machines can reach, although anybody may use them",
        is_flag=True,
    ),
    Setting(
        "rules",
        "FILE",
        "",
        "rules that make records of other programs' spans: a file, or cicd or airflow; may be repeated",
        is_list=True,
    ),
    Setting("grace", "LENGTH", "60s", "delay between a cycle closing and its export as metrics and derived spans"),
    Setting("target", "PART:LENGTH", "", "the default target, kept in the store"),
    Setting("keep", "LENGTH", "", "how long to keep records of inactive cycles, whose facts stay; by default for ever"),
    Setting("log-format", "text or json", "text", "lines of the log for people, or one JSON object each"),
    Setting("cycle-limit", "N", "100000", "records of one cycle; further ones are rejected"),
    Setting("label-limit", "N", "2000", "label sets per metric, including the overflow one"),
    Setting("max-body", "SIZE", "16MiB", "the largest request, before and after decompression"),
    Setting("max-in-flight", "SIZE", "256MiB", "memory for requests not yet answered"),
)
"""Every option except ``--config``.

``LENGTH`` is seconds, or a number with s, m, h, d; ``SIZE`` is bytes, or a number with KiB, MiB, GiB.
"""
