"""Passwords and tokens in URLs and headers reach their backend, and appear nowhere else."""

from __future__ import annotations

import sqlite3
import time
from base64 import b64encode
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import grpc
import pytest
from tests.collector.otlp import traces
from tests.collector.process import Collect, eventually
from tests.collector.relay import Relay
from tests.collector.sinks import GrpcSink, HttpSink
from tests.collector.test_derived import closed_cycle
from tests.collector.test_forwarding import closed_port
from tests.collector.test_start import refused_here

from cycletrace._internal.collector.options import OptionError, make_options
from cycletrace._internal.otlp.endpoint import Endpoint, checked
from cycletrace._internal.store import open_store

Start = Callable[..., Collect]
SECRETS = ("s3cret", "t0ken", "us3r")
BASIC = f"Basic {b64encode(b'us3r:s3cret').decode()}"


def with_secrets(url: str, query: str = "?key=t0ken") -> str:
    return f"{url.replace('://', '://us3r:s3cret@')}{query}"


def shows_secret(text: str) -> bool:
    return any(secret in text for secret in (*SECRETS, BASIC.split()[1]))


def test_over_http_user_password_and_query_reach_the_backend(collect: Start, http_sink: HttpSink) -> None:
    paths: list[str] = []
    keep = http_sink.keep

    def note(signal: str, body: bytes, headers: dict[str, str]) -> None:
        paths.append(signal)
        keep(signal, body, headers)

    http_sink.keep = note  # type: ignore[method-assign]
    collector = collect(
        "--forward",
        f"traces={with_secrets(http_sink.url + '/base')}",
        "--metrics-to",
        with_secrets(http_sink.url),
        "--forward-headers",
        "Authorization=less%20specific,x-tenant=us",
        "--interval",
        "0.2",
    )
    assert collector.post("traces", traces([]).SerializeToString()) == 200
    assert eventually(lambda: {"traces?key=t0ken", "metrics?key=t0ken"} <= set(paths))
    assert {received.headers["authorization"] for received in http_sink.received} == {BASIC}
    assert {received.headers.get("x-tenant") for received in http_sink.received if "traces" in received.signal} == {
        "us"
    }
    http_sink.status = 503
    collector.post("traces", traces([]).SerializeToString())
    assert (
        eventually(lambda: sum("cannot be forwarded" in line for line in collector.output), lambda count: count == 2)
        == 2
    )
    assert f"  traces      forwarded to {http_sink.url}/base" in collector.output
    assert any(f"traces cannot be forwarded: {http_sink.url}/base answered 503" in line for line in collector.output)
    assert not shows_secret("\n".join(collector.output))


def test_over_grpc_user_and_password_become_metadata(collect: Start, grpc_sink: GrpcSink) -> None:
    collector = collect("--forward", with_secrets(grpc_sink.url, query=""))
    assert collector.post("traces", traces([]).SerializeToString()) == 200
    assert grpc_sink.received[0].headers["authorization"] == BASIC
    grpc_sink.code, grpc_sink.message = grpc.StatusCode.UNAVAILABLE, "because"
    assert collector.post("traces", traces([]).SerializeToString()) == 503
    warning = f"traces cannot be forwarded: {grpc_sink.url} answered UNAVAILABLE"
    assert eventually(lambda: any(warning in line for line in collector.output))
    assert not shows_secret("\n".join(collector.output))


@pytest.mark.parametrize("scheme", ["http", "https", "grpc", "grpcs"])
def test_senders_learn_nothing_of_what_is_behind_the_collector(scheme: str) -> None:
    port = closed_port()
    target = checked(Endpoint(f"{scheme}://us3r:s3cret@127.0.0.1:{port}", timeout=2.0))
    relay = Relay(targets={"traces": [target]})
    try:
        _, _, answer = relay.post("/v1/traces", b"", {"Content-Type": "application/x-protobuf"})
        with pytest.raises(grpc.RpcError) as caught:
            relay.call("traces", b"")
    finally:
        relay.close()
    for response in (answer.decode(errors="replace"), caught.value.details() or ""):
        assert "a backend" in response
        assert not any(word in response for word in ("127.0.0.1", str(port), "://", *SECRETS))


@pytest.mark.parametrize(
    "arguments",
    [
        ["--forward", "ftp://us3r:s3cret@host?key=t0ken"],
        ["--forward", "us3r:s3cret@host:4318?key=t0ken"],
        ["--forward", "http://us3r:s3cret/s@host?key=t0ken"],
        ["--forward", "http://us3r:s3cret@host:0?key=t0ken"],
        ["--forward", "http://us3r:s3cret@host:port?key=t0ken"],
        ["--forward", "http://us3r:s3cret@?key=t0ken"],
        ["--forward", "tracks=http://us3r:s3cret@host?key=t0ken"],
        ["--forward", "grpc://us3r:s3cret@host/path"],
        ["--forward", "grpc://us3r:s3cret@host?key=t0ken"],
        ["--forward", "http://us3r:s3cret@127.0.0.1:4318?key=t0ken"],
        ["--forward", "http://us3r:s3cret@host?key=t0ken", "--forward", "http://us3r:s3cret@host?key=t0ken"],
        ["--metrics-to", "ftp://us3r:s3cret@host?key=t0ken"],
        ["--forward-client-key", __file__, "--forward", "https://us3r:s3cret@host?key=t0ken"],
        ["--forward-headers", "Authorization=Basic s3cret\x7f"],
        ["--metrics-headers", "s3cret"],
    ],
)
def test_what_is_said_of_wrong_options_shows_no_secret(tmp_path: Path, arguments: list[str]) -> None:
    done = refused_here("--store", str(tmp_path / "store.db"), *arguments)
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert not shows_secret(done.stderr + done.stdout)


@pytest.mark.parametrize(
    "settings",
    [
        {"forward": [{"url": "http://us3r:s3cret@host", "headers": {"a": "s3cret"}, "t0ken": 1}]},
        {"forward": [{"url": "http://us3r:s3cret@host", "headers": ["s3cret"]}]},
        {"forward": [{"url": "http://us3r:s3cret@host", "signals": "s3cret"}]},
        {"forward": [{"url": ["http://us3r:s3cret@host"]}]},
        {"forward": [["http://us3r:s3cret@host"]]},
        {"forward-headers": ["Authorization=s3cret"]},
        {"forward-headers": {"Authorization": "s3cret"}},
    ],
)
def test_what_is_said_of_a_wrong_file_shows_no_secret(tmp_path: Path, settings: dict[str, object]) -> None:
    with pytest.raises(OptionError) as caught:
        make_options(settings, tmp_path / "store.db")
    assert not shows_secret(str(caught.value))


def test_options_may_be_printed(tmp_path: Path) -> None:
    settings = {"forward": with_secrets("http://host"), "metrics-to": "http://host", "metrics-headers": "a=s3cret"}
    options = make_options(settings, tmp_path / "store.db")
    assert "http://host" in repr(options)
    assert not shows_secret(repr(options))


def test_what_waits_under_a_name_with_a_secret_is_sent_and_the_secret_is_gone(
    collect: Start, http_sink: HttpSink, tmp_path: Path
) -> None:
    store = tmp_path / "store.db"
    url = with_secrets(http_sink.url)
    with open_store(store) as opened, opened.write() as tx:
        for name, body in (
            (url, b"kept"),
            (url.replace("s3cret", "s3cret-of-last-year"), b"older"),
            ("us3r@s3cret", b"?"),
        ):
            tx.post(name, body)
    http_sink.status = 503
    collector = collect("--forward", f"traces={url}", "--grace", "0")
    spans, events = closed_cycle("churn@7", time.time_ns())
    collector.post("logs", events)
    collector.post("traces", spans)
    with closing(sqlite3.connect(f"{store.as_uri()}?mode=ro", uri=True)) as reader:
        count = "SELECT count(*) FROM outbox"
        assert eventually(lambda: reader.execute(count).fetchone(), lambda row: row == (3,)) == (3,)
        assert reader.execute("SELECT DISTINCT destination FROM outbox").fetchall() == [(http_sink.url,)]
    http_sink.status = 200
    assert eventually(lambda: [one for one in http_sink.received if one.body.startswith(b"keptolder")])
    assert collector.stop() == 0
    content = store.read_bytes()
    assert not any(secret.encode() in content for secret in SECRETS)
    assert not shows_secret("\n".join(collector.output))
