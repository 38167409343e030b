"""``docs/environment.md`` against the source: every variable that is read is in the table, and no other."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.docs.pages import ROOT, page, section, table, words

from cycletrace._internal import diagnostics
from cycletrace._internal.delivery import destination
from cycletrace._internal.flow import RULES
from cycletrace._internal.sdk import launch, settings
from cycletrace.conventions import LAUNCHES

VARIABLE = re.compile(r"(CYCLETRACE|OTEL)_[A-Z_]*[A-Z]")
OF_A_SIGNAL = re.compile(r"OTEL_EXPORTER_OTLP_(TRACES|LOGS)_")

SDK_LIMITS = {  # read by OpenTelemetry's SDK when a stage's span is made
    "OTEL_ATTRIBUTE_COUNT_LIMIT",
    "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT",
    "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT",
    "OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT",
    "OTEL_SPAN_EVENT_COUNT_LIMIT",
    "OTEL_SPAN_LINK_COUNT_LIMIT",
    "OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT",
    "OTEL_LINK_ATTRIBUTE_COUNT_LIMIT",
}


class Asked(dict[str, str]):
    """An environment that records which variables are read."""

    def __init__(self, **variables: str) -> None:
        super().__init__(**variables)
        self.names: set[str] = set()

    def get(self, name: str, default: str | None = None) -> str | None:  # type: ignore[override]
        self.names.add(name)
        return super().get(name, default)


def in_table() -> dict[str, dict[str, str]]:
    return {name: row for row in table(page("environment.md"), "variable") for name in words(row["variable"])}


def literals(path: Path) -> Iterator[str]:
    """Yield the strings in a module that are names of variables."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and VARIABLE.fullmatch(node.value):
            yield node.value


def test_the_table_has_every_variable_that_is_read_and_no_other() -> None:
    read = {name for path in (ROOT / "src").rglob("*.py") for name in literals(path)}
    env = Asked(OTEL_EXPORTER_OTLP_ENDPOINT="collector:4317")
    settings.read(env)
    destination.find(environment=env)
    read |= {OF_A_SIGNAL.sub("OTEL_EXPORTER_OTLP_", name) for name in env.names if VARIABLE.fullmatch(name)}
    assert read | SDK_LIMITS | {"TRACEPARENT"} == set(in_table())


def test_the_limits_are_those_that_the_sdk_reads() -> None:
    from opentelemetry.sdk import environment_variables

    assert {name for name in vars(environment_variables) if name.endswith("_LIMIT") and "LOGRECORD" not in name} == (
        SDK_LIMITS
    )


def test_every_row_has_meaning_values_and_default() -> None:
    for name, row in in_table().items():
        assert all(row[column] for column in ("meaning", "values", "default")), name


def test_the_variables_that_detect_a_launch_are_those_of_the_source() -> None:
    text = section(page("environment.md"), "How launch is detected")
    documented = {word for word in words(text) if word.isupper()} - {"CYCLETRACE_LAUNCH=scheduler"}
    assert documented == {*launch.CI_VARIABLES, *launch.SCHEDULER_VARIABLES}


def test_defaults_and_allowed_values_are_those_of_the_source() -> None:
    rows = in_table()
    default = settings.read({"CYCLETRACE_DIR": "/nowhere"})
    assert words(rows["CYCLETRACE_PEOPLE"]["values"]) == list(settings.PEOPLE_MODES)
    assert words(rows["CYCLETRACE_PEOPLE"]["default"]) == [default.people]
    assert words(rows["CYCLETRACE_LAUNCH"]["values"]) == list(LAUNCHES)
    assert words(rows["CYCLETRACE_JOURNAL_LIMIT"]["default"]) == [str(default.journal_limit)]
    assert set(words(rows["CYCLETRACE_PRODUCTION"]["default"])[0].split(",")) == RULES.production
    assert (default.is_disabled, default.is_strict, not default.is_propagating) == (False, False, False)
    assert {rows[f"CYCLETRACE_{name}"]["default"] for name in ("DISABLED", "STRICT", "NO_PROPAGATE")} == {"`false`"}


@pytest.mark.parametrize(
    ("endpoint", "protocol"),
    [("http://127.0.0.1:4317", "grpc"), ("http://127.0.0.1:4318", "http/protobuf"), ("http://host", "http/protobuf")],
)
def test_the_default_protocol_goes_by_the_port(endpoint: str, protocol: str) -> None:
    found = destination.find(environment={"OTEL_EXPORTER_OTLP_ENDPOINT": endpoint})
    assert found is not None
    assert {target.protocol for target in found.values()} == {protocol}


def test_a_variable_for_one_signal_takes_precedence_and_its_endpoint_is_unchanged() -> None:
    found = destination.find(
        environment={
            "OTEL_EXPORTER_OTLP_ENDPOINT": "http://all:4318",
            "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT": "http://logs:4318/own",
            "OTEL_EXPORTER_OTLP_LOGS_TIMEOUT": "3",
        }
    )
    assert found is not None
    assert {signal: (target.url, target.timeout) for signal, target in found.items()} == {
        "traces": ("http://all:4318/v1/traces", 10.0),
        "logs": ("http://logs:4318/own", 3.0),
    }


def test_our_own_endpoint_takes_precedence_and_other_headers_still_apply() -> None:
    env = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": "http://all:4318",
        "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://traces:4318/own",
        "OTEL_EXPORTER_OTLP_HEADERS": "authorization=Bearer%20x",
    }
    found = destination.find("http://ours:4318", env)
    assert found is not None
    assert {target.url for target in found.values()} == {"http://ours:4318/v1/traces", "http://ours:4318/v1/logs"}
    assert [target.headers for target in found.values()] == [{"authorization": "Bearer x"}] * 2


def test_a_disabled_sdk_delivers_nothing() -> None:
    assert destination.find("http://ours:4318", {"OTEL_SDK_DISABLED": "true"}) is None


@pytest.mark.parametrize(
    ("variable", "value", "allowed", "instead"),
    [
        ("CYCLETRACE_LAUNCH", "slurm", "one of terminal, notebook, ci, scheduler, other", "It is ignored"),
        ("CYCLETRACE_PEOPLE", "all", "one of pseudonyms, names, none", "Using 'pseudonyms'"),
        ("CYCLETRACE_JOURNAL_LIMIT", "5", "a number of bytes, at least 1000000", "Using 1073741824"),
        ("CYCLETRACE_ENDPOINT", "host:4318", "an http:// or https:// URL", "It is ignored"),
        ("CYCLETRACE_DISABLED", "perhaps", "one of 1, true, 0, false", "Using False"),
    ],
)
def test_an_invalid_value_is_logged_and_the_default_is_used(
    caplog: pytest.LogCaptureFixture, variable: str, value: str, allowed: str, instead: str
) -> None:
    diagnostics._logged.clear()
    for _ in range(2):
        assert settings.read({variable: value}) == settings.read({})
    (record,) = caplog.records
    assert record.name == "cycletrace"
    assert record.getMessage() == f"{variable} must be {allowed}, got {value!r}. {instead}."
