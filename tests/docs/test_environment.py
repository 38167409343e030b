"""``docs/environment.md`` against the source: every variable that is read is in the table, and no other."""

from __future__ import annotations

import ast
import inspect
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.docs.pages import ROOT, blocks, page, section, table, words

import cycletrace
from cycletrace._internal import diagnostics, environment
from cycletrace._internal.delivery import destination
from cycletrace._internal.flow import RULES
from cycletrace._internal.otlp.endpoint import GRPC, HTTP
from cycletrace._internal.sdk import launch, settings
from cycletrace._internal.sdk.cycles import from_text

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
    destination.find(env=env)
    read |= {OF_A_SIGNAL.sub("OTEL_EXPORTER_OTLP_", name) for name in env.names if VARIABLE.fullmatch(name)}
    assert read | SDK_LIMITS | {"TRACEPARENT"} == set(in_table())


def test_the_limits_are_those_that_the_sdk_reads() -> None:
    from opentelemetry.sdk import environment_variables

    assert {name for name in vars(environment_variables) if name.endswith("_LIMIT") and "LOGRECORD" not in name} == (
        SDK_LIMITS
    )


def test_the_rows_are_those_of_the_declarations() -> None:
    rows = [row for row in table(page("environment.md"), "variable") if not SDK_LIMITS & set(words(row["variable"]))]
    assert rows == [
        {
            "variable": f"`{variable.name}`",
            "meaning": variable.meaning,
            "values": variable.values,
            "default": variable.default_text,
        }
        for variable in environment.VARIABLES
    ]
    assert all(all(row.values()) for row in rows)


def test_every_setting_has_a_declaration_and_every_argument_of_configure_is_a_setting() -> None:
    fields = set(settings.Settings._fields) - {"span_processors"}
    assert set(environment.SETTINGS) == fields
    assert set(inspect.signature(cycletrace.configure).parameters) == {*fields - {"journal_limit"}, "span_processors"}


@pytest.mark.parametrize("variable", environment.VARIABLES, ids=lambda variable: variable.name)
def test_the_documented_values_are_those_that_are_parsed(variable: environment.Variable[Any]) -> None:
    listed = words(variable.values) if re.fullmatch(r"(`[^`]+` ?)+", variable.values) else []
    if variable.values == "boolean":
        listed = words(page("environment.md").partition("Boolean variables accept ")[2].partition("\n")[0])
        assert set(listed) == diagnostics.TRUE | environment.FALSE
    for value in listed:
        variable.parse(value)
    if listed and variable.allowed and variable.values != "boolean":
        assert variable.allowed == f"one of {', '.join(listed)}"
    default = words(variable.default_text)
    if len(default) == 1 and default[0] in listed:
        assert variable.parse(default[0]) == variable.default


def test_a_cycle_as_json_has_the_fields_of_the_table() -> None:
    text = section(page("environment.md"), "A cycle as JSON")
    documented = {words(row["field"])[0] for row in table(text, "field")}
    (example,) = (json.loads(block.text) for block in blocks(text))
    assert set(example) <= documented
    values = {name: "drift" if name == "trigger" else name for name in documented} | {"implicit": True}
    cycle = from_text(json.dumps(values | {"unknown": "ignored"}), "")
    assert json.loads(cycle.to_text()) == values
    plain = json.loads(from_text("churn@7", "ads").to_text())
    assert plain == {"key": "churn@7", "model": "churn", "version": "7", "namespace": "ads"}


def test_the_variables_that_detect_a_launch_are_those_of_the_source() -> None:
    text = section(page("environment.md"), "How launch is detected")
    documented = {word for word in words(text) if word.isupper()} - {"CYCLETRACE_LAUNCH=scheduler"}
    assert documented == {*launch.CI_VARIABLES, *launch.SCHEDULER_VARIABLES}


def test_defaults_outside_the_lists_are_those_of_the_source() -> None:
    rows = in_table()
    assert environment.PROTOCOLS == (HTTP, GRPC)
    assert words(rows["CYCLETRACE_JOURNAL_LIMIT"]["default"]) == [str(environment.JOURNAL_LIMIT.default)]
    assert words(rows["OTEL_EXPORTER_OTLP_TIMEOUT"]["default"]) == [f"{environment.OTLP_TIMEOUT.default:g}"]
    assert set(words(rows["CYCLETRACE_PRODUCTION"]["default"])[0].split(",")) == RULES.production


@pytest.mark.parametrize(
    ("endpoint", "protocol"),
    [("http://127.0.0.1:4317", "grpc"), ("http://127.0.0.1:4318", "http/protobuf"), ("http://host", "http/protobuf")],
)
def test_the_default_protocol_goes_by_the_port(endpoint: str, protocol: str) -> None:
    found = destination.find(env={"OTEL_EXPORTER_OTLP_ENDPOINT": endpoint})
    assert found is not None
    assert {target.protocol for target in found.values()} == {protocol}


def test_a_variable_for_one_signal_takes_precedence_and_its_endpoint_is_unchanged() -> None:
    found = destination.find(
        env={
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
        ("CYCLETRACE_PEOPLE", "all", "one of pseudonyms, names, none", "Using pseudonyms"),
        ("CYCLETRACE_JOURNAL_LIMIT", "5", "a number of bytes, at least 1000000", "Using 1073741824 (1 GiB)"),
        ("CYCLETRACE_ENDPOINT", "host:4318", "a URL such as http://HOST:4318", "It is ignored"),
        ("CYCLETRACE_DISABLED", "perhaps", "one of 1, true, 0, false", "Using false"),
    ],
)
def test_an_invalid_value_is_logged_and_the_default_is_used(
    caplog: pytest.LogCaptureFixture, variable: str, value: str, allowed: str, instead: str
) -> None:
    diagnostics.forget_logged()
    for _ in range(2):
        assert settings.read({variable: value}) == settings.read({})
    (record,) = caplog.records
    assert record.name == "cycletrace"
    assert record.getMessage() == f"{variable} must be {allowed}, got {value!r}. {instead}."
