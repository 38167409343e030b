"""Destinations of records: invalid settings are logged and have no other effect."""

from __future__ import annotations

import logging

import pytest

from cycletrace._internal import diagnostics
from cycletrace._internal.delivery.destination import find


@pytest.fixture(autouse=True)
def _nothing_logged_yet() -> None:
    diagnostics.forget_logged()


@pytest.mark.parametrize(
    ("variable", "value", "allowed"),
    [
        ("PROTOCOL", "http/json", "http/protobuf, grpc"),
        ("COMPRESSION", "zip", "gzip, none"),
        ("TIMEOUT", "soon", "number of seconds"),
    ],
)
def test_a_nonsensical_setting_is_logged_once_and_the_default_is_used(
    variable: str, value: str, allowed: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CYCLETRACE_STRICT", raising=False)
    name = f"OTEL_EXPORTER_OTLP_{variable}"
    endpoint = "http://127.0.0.1:4318"
    with caplog.at_level(logging.WARNING, logger=diagnostics.LOGGER.name):
        assert find(endpoint, {name: value}) == find(endpoint, {})
    (message,) = caplog.messages
    assert name in message
    assert repr(value) in message
    assert allowed in message


@pytest.mark.parametrize(
    "url",
    [
        "grpc://host:4317",
        "http://a b:4318",
        'http://host:4318"x',
        '"http://host:4318"',
        "http://host:4318\nfoo",
        "http://",
        "http://host:99999",
        "http://host:0",
        "host name:4318",
        "ftp://host",
    ],
)
@pytest.mark.parametrize(
    "variable", ["OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "CYCLETRACE_ENDPOINT"]
)
def test_an_endpoint_that_is_no_url_is_logged_once_with_its_variable(
    variable: str, url: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CYCLETRACE_STRICT", raising=False)
    with caplog.at_level(logging.WARNING, logger=diagnostics.LOGGER.name):
        assert find(*((url, {}) if variable == "CYCLETRACE_ENDPOINT" else (None, {variable: url}))) is None
    (message,) = caplog.messages
    assert message.startswith(f"{variable} cannot be used: expected a URL")


@pytest.mark.parametrize("url", [" http://host:4318 ", "http://host:4318\n", "host:4317", "https://[::1]:4318/otlp"])
def test_blanks_around_an_endpoint_do_not_matter(url: str, caplog: pytest.LogCaptureFixture) -> None:
    assert find(None, {"OTEL_EXPORTER_OTLP_ENDPOINT": url}) == find(None, {"OTEL_EXPORTER_OTLP_ENDPOINT": url.strip()})
    assert find(None, {"OTEL_EXPORTER_OTLP_ENDPOINT": url}) is not None
    assert caplog.messages == []


def test_a_header_may_hold_blanks(caplog: pytest.LogCaptureFixture) -> None:
    headers = {"OTEL_EXPORTER_OTLP_HEADERS": "authorization=Bearer abc def, x-team = ads "}
    found = find("http://host:4318", headers)
    assert found is not None
    assert found["traces"].headers == {"authorization": "Bearer abc def", "x-team": "ads"}
    assert caplog.messages == []
