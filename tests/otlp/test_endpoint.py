"""Endpoints, headers and pauses, which the SDK and the collector have in common."""

from __future__ import annotations

from pathlib import Path

import pytest
from opentelemetry.proto.resource.v1.resource_pb2 import Resource

from cycletrace._internal.delivery.destination import find
from cycletrace._internal.otlp.backoff import Backoff
from cycletrace._internal.otlp.endpoint import Endpoint, TlsFiles, parse_headers
from cycletrace._internal.otlp.values import fill


@pytest.mark.parametrize(
    ("url", "protocol", "address"),
    [
        ("http://host", "http/protobuf", "host:80"),
        ("https://host/base", "http/protobuf", "host:443"),
        ("grpc://host", "http/protobuf", "host:4317"),
        ("grpcs://host", "grpc", "host:4317"),
        ("grpc://[::1]:1234", "grpc", "[::1]:1234"),
        # What gRPC itself, and with it opentelemetry-exporter-otlp, takes.
        ("http://host", "grpc", "host:443"),
        ("https://host", "grpc", "host:443"),
        ("http://host:4317", "grpc", "host:4317"),
    ],
)
def test_a_port_that_is_not_given_is_the_usual_one(url: str, protocol: str, address: str) -> None:
    assert Endpoint(url, protocol=protocol).address == address


def test_only_http_is_without_tls_in_opentelemetrys_variables() -> None:
    urls = ("http://host:4317", "https://host:4317", "host:4317")
    found = [find(url, {}) for url in urls]
    assert [one["traces"].is_secure for one in found if one] == [False, True, True]


@pytest.mark.parametrize(
    ("text", "headers", "is_sound"),
    [
        ("", {}, True),
        ("Authorization=Bearer%20abc, X-Tenant=us ,", {"authorization": "Bearer abc", "x-tenant": "us"}, True),
        ("a=1=2", {"a": "1=2"}, True),
        ("a=", {"a": ""}, True),
        ("a=1,nonsense,b=2", {"a": "1", "b": "2"}, False),
        ("a=1%0d%0ab: 2", {}, False),
        ("a=caf%C3%A9", {}, False),  # gRPC takes ASCII alone
        ("bad name=1", {}, False),
    ],
)
def test_headers(text: str, headers: dict[str, str], is_sound: bool) -> None:
    assert parse_headers(text) == (headers, is_sound)


def test_a_client_key_may_lie_with_its_certificate(tmp_path: Path) -> None:
    both = tmp_path / "both.pem"
    both.write_bytes(b"key and certificate")
    assert TlsFiles(client_certificate=both).read() == (None, b"key and certificate", b"key and certificate")
    assert TlsFiles().read() == (None, None, None)


def test_attributes_keep_their_types() -> None:
    resource = Resource()
    values = {"a": True, "b": 1, "c": 0.5, "d": "x", "e": b"y", "f": ["x", 1], "g": [], "h": None, "i": Path("p")}
    fill(resource.attributes, values)
    kinds = {item.key: item.value.WhichOneof("value") for item in resource.attributes}
    assert kinds == {
        "a": "bool_value",
        "b": "int_value",
        "c": "double_value",
        "d": "string_value",
        "e": "bytes_value",
        "f": "array_value",
        "g": "array_value",
        "i": "string_value",
    }


def test_pauses_double_up_to_the_limit_and_are_never_shorter_than_asked() -> None:
    backoff = Backoff(first=0.5, longest=4.0)
    assert [backoff.fail() for _ in range(5)] == [0.5, 1.0, 2.0, 4.0, 4.0]
    assert backoff.fail(60.0) == 60.0
    assert backoff.fail(0.0) == 4.0
    backoff.reset()
    assert backoff.fail(0.1) == 0.5
