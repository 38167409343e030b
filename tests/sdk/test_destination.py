"""Destinations of records: invalid settings are logged and have no other effect."""

from __future__ import annotations

import logging

import pytest

from cycletrace._internal import diagnostics
from cycletrace._internal.delivery.destination import find


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
