"""URLs of endpoints: nothing of user, password and query is in what may be shown."""

from __future__ import annotations

from base64 import b64decode

import pytest

from cycletrace._internal.otlp.urls import reason, take_apart


@pytest.mark.parametrize(
    ("url", "address", "query", "said"),
    [
        ("http://host", "http://host", "", None),
        ("http://host:4318/otlp/", "http://host:4318/otlp/", "", None),
        ("http://ann:pass@host:4318", "http://host:4318", "", "ann:pass"),
        ("https://ann:p%40ss%2F%C3%A4@[::1]:1/x?token=t#f", "https://[::1]:1/x", "token=t", "ann:p@ss/ä"),
        ("grpc://token@host", "grpc://host", "", "token:"),
        ("http://:pass@host", "http://host", "", ":pass"),
        ("http://ann:p@ss@host", "http://host", "", "ann:p@ss"),
    ],
)
def test_a_url_is_taken_apart(url: str, address: str, query: str, said: str | None) -> None:
    parts = take_apart(url)
    assert (parts.address, parts.query) == (address, query)
    if said is None:
        assert parts.authorization is None
    else:
        kind, _, encoded = (parts.authorization or "").partition(" ")
        assert (kind, b64decode(encoded).decode()) == ("Basic", said)


@pytest.mark.parametrize(
    "url",
    [
        "http://ann:secret",
        "http://ann:sec/ret@host",
        "http://ann:1/secret@host",
        "http://ann:1?secret@host",
        "http://ann:1#secret@host",
        "ann:secret@host:4318",
        "http://ann:secret@[host",
    ],
)
def test_what_cannot_be_taken_apart_is_refused_without_being_quoted(url: str) -> None:
    with pytest.raises(ValueError, match="expected a URL such as") as caught:
        take_apart(url)
    assert not any(part in str(caught.value) for part in ("ann", "secret", "ret@"))
    assert caught.value.__context__ is None or caught.value.__suppress_context__, "a traceback would show it"


def test_user_and_password_of_a_url_beat_another_authorization() -> None:
    headers = {"Authorization": "Bearer x", "x-tenant": "us"}
    assert take_apart("http://host").authorize(headers) == headers
    assert take_apart("http://a:b@host").authorize(headers) == {"x-tenant": "us", "authorization": "Basic YTpi"}


def test_the_reason_of_a_failure_is_the_system_s_own() -> None:
    wrapped = ValueError("http://ann:secret@host")
    assert reason(wrapped) == "ValueError"
    wrapped.__cause__ = ConnectionRefusedError(111, "Connection refused")
    assert reason(wrapped) == "ConnectionRefusedError: Connection refused"
