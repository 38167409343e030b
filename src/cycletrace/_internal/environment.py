"""The environment variables: names, allowed values, defaults and descriptions, declared once.

``docs/environment.md`` is compared with :data:`VARIABLES`. ``cycletrace.configure`` checks its arguments by the same
declarations. An invalid value is logged once, with what is allowed, and the default is used.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Generic, TypeVar

from cycletrace._internal.diagnostics import TRUE, warn_misuse
from cycletrace._internal.otlp.urls import quote_harmless
from cycletrace.conventions import LAUNCHES

T = TypeVar("T")

FALSE = frozenset({"0", "false", "no", "off"})
PROTOCOLS = ("http/protobuf", "grpc")
PEOPLE_MODES = ("pseudonyms", "names", "none")
ROOTS = ("collector", "sdk")
LEAST_JOURNAL = 1_000_000
"""Smallest limit on the total size of the journals in bytes."""


class Variable(Generic[T]):
    """A variable: how it is documented, and how it is read. A plain class, since it is made at every start."""

    def __init__(
        self,
        name: str,
        meaning: str,
        values: str,
        default_text: str,
        parse: Callable[[str], T],
        default: T,
        *,
        allowed: str = "",
        setting: str | None = None,
        is_secret: bool = False,
    ) -> None:
        self.name = name
        self.meaning = meaning
        self.values = values
        """The allowed values, for the documentation."""
        self.default_text = default_text
        """The default, for the documentation."""
        self.parse = parse
        """Returns the value of a text that is not empty. Raises :class:`ValueError` if it is not allowed."""
        self.default = default
        self.allowed = allowed
        """The allowed values, for error messages."""
        self.setting = setting
        """The field of ``Settings`` that it sets, which may also be an argument of ``configure``."""
        self.is_secret = is_secret
        """True if the value may contain a password."""

    def read(self, env: Mapping[str, str], name: str | None = None) -> T:
        """Return the value in this environment, or the default. ``name`` is that of a variant for one signal."""
        name = name or self.name
        text = env.get(name, "")
        if not text:
            return self.default
        try:
            return self.parse(text)
        except ValueError:
            instead = "It is ignored" if self.default is None else f"Using {self.default_text.replace('`', '')}"
            warn_misuse("%s must be %s, got %s. %s.", name, self.allowed, self._quoted(text), instead)
            return self.default

    def check(self, given: object) -> T:
        """Return the value of an argument of ``configure``.

        Raises:
            ValueError: if it is not allowed.
        """
        try:
            return self.parse(str(given))
        except ValueError:
            raise ValueError(f"{self.setting} must be {self.allowed}, got {self._quoted(given)}.") from None

    def _quoted(self, given: object) -> str:
        return quote_harmless(given) if self.is_secret else repr(given)


def _boolean(text: str) -> bool:
    word = text.strip().lower()
    if word not in TRUE | FALSE:
        raise ValueError(text)
    return word in TRUE


def _negated(text: str) -> bool:
    return not _boolean(text)


def _is_true(text: str) -> bool:
    """Return whether OpenTelemetry takes this text for true; it takes any other for false."""
    return text.strip().lower() == "true"


def _one_of(words: tuple[str, ...]) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if text not in words:
            raise ValueError(text)
        return text

    return parse


def _url(text: str) -> str:
    if not text.startswith(("http://", "https://")):
        raise ValueError(text)
    return text


def _bytes(text: str) -> int:
    size = int(text)
    if size < LEAST_JOURNAL:
        raise ValueError(text)
    return size


def _seconds(text: str) -> float:
    seconds = float(text)
    if not seconds > 0:
        raise ValueError(text)
    return seconds


def _job(text: str) -> str:
    if not all(text.partition(":")):
        raise ValueError(text)
    return text


def _instant(text: str) -> int:
    from cycletrace._internal import instants

    return instants.parse_written(text)


def _is_gzip(text: str) -> bool:
    return _one_of(("gzip", "none"))(text.strip().lower()) == "gzip"


def _list_of(words: tuple[str, ...]) -> str:
    return f"one of {', '.join(words)}"


_BOOLEAN = "one of 1, true, 0, false"

DIRECTORY = Variable[Path | None](
    "CYCLETRACE_DIR",
    "the state directory: journal and store",
    (
        "a path on a local disk (the journal alone may be on a network file system), owned by you or root, "
        "and not writable by others; in a shared directory, such as a mounted volume, name a new subdirectory"
    ),
    (
        "`$XDG_STATE_HOME/cycletrace`, else `~/.local/state/cycletrace`; macOS `~/Library/Application "
        "Support/cycletrace`; Windows `%LOCALAPPDATA%\\cycletrace`"
    ),
    Path,
    None,
    setting="directory",
)
CYCLE = Variable[str](
    "CYCLETRACE_CYCLE",
    "the cycle that the process joins",
    "a key (`churn@7`), or a [JSON object](#a-cycle-as-json)",
    "the worktree's (`cycletrace start`), else an implicit cycle for each run of the program",
    str,
    "",
)
TRACEPARENT = Variable[str](
    "TRACEPARENT",
    "the enclosing stage of the process; used only if it belongs to the cycle in `CYCLETRACE_CYCLE`",
    "W3C Trace Context",
    "none",
    str,
    "",
)
JOB = Variable[str | None](
    "CYCLETRACE_JOB",
    "the job of a CI system or scheduler that the process runs in, whose stage contains those of the process",
    "`SYSTEM:ID`, such as `github:4711`",
    "that of GitLab CI or SLURM, if it runs there",
    _job,
    None,
    allowed="SYSTEM:ID, such as github:4711",
)
SUBMITTED_AT = Variable[int | None](
    "CYCLETRACE_SUBMITTED_AT",
    "when that job was submitted: until its first attempt started, it waited for `compute`; further ones ignore it",
    "ISO 8601 with a time zone, or seconds since 1970 as `date +%s.%N` prints",
    "unknown",
    _instant,
    None,
    allowed="a time with its zone, such as 2026-11-24T09:30:00Z or 2026-11-24T10:30:00+01:00, or seconds since 1970",
)
NAMESPACE = Variable[str | None](
    "CYCLETRACE_NAMESPACE",
    "the team: keys are unique within it",
    "any text",
    "`service.namespace` in `OTEL_RESOURCE_ATTRIBUTES`, else empty",
    str,
    None,
    setting="namespace",
)
ENDPOINT = Variable[str | None](
    "CYCLETRACE_ENDPOINT",
    "base URL of an OTLP endpoint for cycletrace alone",
    "`http://` or `https://` URL",
    "the `OTEL_EXPORTER_OTLP_*` variables",
    _url,
    None,
    allowed="a URL such as http://HOST:4318",
    setting="endpoint",
    is_secret=True,
)
ENABLED = Variable[bool](
    "CYCLETRACE_DISABLED",
    "turns everything off: nothing is recorded, and stages cost next to nothing",
    "boolean",
    "`false`",
    _negated,
    True,
    allowed=_BOOLEAN,
    setting="enabled",
)
STRICT = Variable[bool](
    "CYCLETRACE_STRICT",
    "misuse at run time raises instead of being logged; for tests",
    "boolean",
    "`false`",
    _boolean,
    False,
    allowed=_BOOLEAN,
)
PROPAGATE = Variable[bool | None](
    "CYCLETRACE_PROPAGATE",
    "whether a stage becomes the current span of [OpenTelemetry](opentelemetry.md)",
    "boolean",
    "true, except inside a span of another trace, and where the program has set a global tracer provider",
    _boolean,
    None,
    allowed=_BOOLEAN,
    setting="propagate",
)
LAUNCH = Variable[str | None](
    "CYCLETRACE_LAUNCH",
    "how the process was started",
    "`terminal` `notebook` `ci` `scheduler` `other`",
    "[detected](#how-launch-is-detected)",
    _one_of(LAUNCHES),
    None,
    allowed=_list_of(LAUNCHES),
    setting="launch",
)
PEOPLE = Variable[str](
    "CYCLETRACE_PEOPLE",
    "how people are recorded",
    "`pseudonyms` `names` `none`",
    "`pseudonyms`",
    _one_of(PEOPLE_MODES),
    "pseudonyms",
    allowed=_list_of(PEOPLE_MODES),
    setting="people",
)
PEOPLE_KEY = Variable[str](
    "CYCLETRACE_PEOPLE_KEY",
    (
        "the shared secret that pseudonyms are made with; with the same secret, a person has the same "
        "pseudonym everywhere"
    ),
    "any text",
    "the namespace",
    str,
    "",
    setting="people_key",
)
ROOT = Variable[str](
    "CYCLETRACE_ROOT",
    (
        "who sends the root span of a named cycle: a collector of cycletrace, or, where there is none, the program "
        "that records both its start and its end"
    ),
    "`collector` `sdk`",
    "`collector`",
    _one_of(ROOTS),
    "collector",
    allowed=_list_of(ROOTS),
    setting="root",
)
PRODUCTION = Variable[str](
    "CYCLETRACE_PRODUCTION",
    "names of environments that count as production when facts are read, case-insensitive",
    "comma-separated names",
    "`production,prod,live`",
    str,
    "",
)
JAEGER_URL = Variable[str](
    "CYCLETRACE_JAEGER_URL",
    "base URL of the Jaeger UI, for the links that `cycletrace open`, `status`, `report` and the board show",
    "`http://` or `https://` URL",
    "none",
    str,
    "",
)
JOURNAL_LIMIT = Variable[int](
    "CYCLETRACE_JOURNAL_LIMIT",
    (
        "maximum total size of the directory's journals in bytes; beyond it the oldest are removed, delivered"
        " ones first, and lost records are counted"
    ),
    "1000000 or more",
    "`1073741824` (1 GiB)",
    _bytes,
    1 << 30,
    allowed=f"a number of bytes, at least {LEAST_JOURNAL}",
    setting="journal_limit",
)
FORWARD_HEADERS = Variable[str](
    "CYCLETRACE_FORWARD_HEADERS",
    "for `cycletrace collect`: headers for forwarded requests, kept out of process lists",
    "comma-separated `name=value`, percent-encoded",
    "none",
    str,
    "",
)
METRICS_HEADERS = Variable[str](
    "CYCLETRACE_METRICS_HEADERS",
    "for `cycletrace collect`: headers for the metrics that it sends",
    "comma-separated `name=value`, percent-encoded",
    "none",
    str,
    "",
)
SERVICE_NAME = Variable[str](
    "OTEL_SERVICE_NAME",
    "`service.name` of all records, and the model of implicit cycles",
    "any text",
    "`service.name` in `OTEL_RESOURCE_ATTRIBUTES`, else the model; for implicit cycles the name of the script or, "
    "if that is a usual one, of the project",
    str,
    "",
)
RESOURCE_ATTRIBUTES = Variable[str](
    "OTEL_RESOURCE_ATTRIBUTES",
    "resource attributes of everything that is delivered; `service.name` and `service.namespace` as above",
    "comma-separated `name=value`, percent-encoded",
    "none",
    str,
    "",
)
SDK_DISABLED = Variable[bool](
    "OTEL_SDK_DISABLED",
    "`true`: journal only. Nothing is delivered, and no OpenTelemetry spans are created",
    "`true` `false`",
    "`false`",
    _is_true,
    False,
)
OTLP_ENDPOINT = Variable[str](
    "OTEL_EXPORTER_OTLP_ENDPOINT",
    "base URL of the OTLP endpoint; for HTTP `/v1/traces` and `/v1/logs` are added to it",
    "a URL",
    "none; everything stays on this machine",
    str,
    "",
)
OTLP_PROTOCOL = Variable[str | None](
    "OTEL_EXPORTER_OTLP_PROTOCOL",
    "the protocol",
    "`http/protobuf` `grpc`",
    "`grpc` for port 4317, else `http/protobuf`",
    _one_of(PROTOCOLS),
    None,
    allowed=_list_of(PROTOCOLS),
)
OTLP_HEADERS = Variable[str](
    "OTEL_EXPORTER_OTLP_HEADERS",
    "headers (gRPC: metadata) of each request",
    "comma-separated `name=value`, percent-encoded",
    "none",
    str,
    "",
)
OTLP_TIMEOUT = Variable[float](
    "OTEL_EXPORTER_OTLP_TIMEOUT",
    "timeout of a request",
    "seconds, as for `opentelemetry-exporter-otlp`",
    "`10`",
    _seconds,
    10.0,
    allowed="a number of seconds above 0",
)
OTLP_COMPRESSION = Variable[bool](
    "OTEL_EXPORTER_OTLP_COMPRESSION",
    "compression of requests",
    "`gzip` `none`",
    "`none`",
    _is_gzip,
    False,
    allowed=_list_of(("gzip", "none")),
)
OTLP_INSECURE = Variable[bool](
    "OTEL_EXPORTER_OTLP_INSECURE",
    "use gRPC without TLS if the endpoint has no scheme",
    "`true` `false`",
    "`false`",
    _is_true,
    False,
)
OTLP_CERTIFICATE = Variable[Path | None](
    "OTEL_EXPORTER_OTLP_CERTIFICATE",
    "certificates of trusted authorities",
    "path of a PEM file",
    "the system's",
    Path,
    None,
)
OTLP_CLIENT_CERTIFICATE = Variable[Path | None](
    "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE",
    "the client certificate",
    "path of a PEM file",
    "none",
    Path,
    None,
)
OTLP_CLIENT_KEY = Variable[Path | None](
    "OTEL_EXPORTER_OTLP_CLIENT_KEY",
    "the client's private key",
    "path of a PEM file",
    "none",
    Path,
    None,
)

VARIABLES: tuple[Variable[Any], ...] = (
    DIRECTORY,
    CYCLE,
    TRACEPARENT,
    JOB,
    SUBMITTED_AT,
    NAMESPACE,
    ENDPOINT,
    ENABLED,
    STRICT,
    PROPAGATE,
    LAUNCH,
    PEOPLE,
    PEOPLE_KEY,
    ROOT,
    PRODUCTION,
    JAEGER_URL,
    JOURNAL_LIMIT,
    FORWARD_HEADERS,
    METRICS_HEADERS,
    SERVICE_NAME,
    RESOURCE_ATTRIBUTES,
    SDK_DISABLED,
    OTLP_ENDPOINT,
    OTLP_PROTOCOL,
    OTLP_HEADERS,
    OTLP_TIMEOUT,
    OTLP_COMPRESSION,
    OTLP_INSECURE,
    OTLP_CERTIFICATE,
    OTLP_CLIENT_CERTIFICATE,
    OTLP_CLIENT_KEY,
)
"""All, in the order of the documentation."""
SETTINGS = {variable.setting: variable for variable in VARIABLES if variable.setting is not None}
"""Those that set a field of ``Settings``, by its name."""
