"""Who may send to the collector and see what it knows."""

from __future__ import annotations

import http.client
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf import json_format
from tests.collector.otlp import SECOND, cycle_attributes, ours, span, traces
from tests.collector.process import Collect, eventually
from tests.collector.sinks import HttpSink
from tests.collector.test_start import refused_here

from cycletrace import conventions as c

Start = Callable[..., Collect]


def add_token(file: Path, name: str, *options: str) -> str:
    command = [sys.executable, "-m", "cycletrace", "token", "add", name, "--tokens", str(file), *options]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def close(key: str, namespace: str = "", **more: Any) -> bytes:
    now = time.time_ns()
    attributes = {**cycle_attributes(key, namespace), c.CYCLE_OUTCOME: "abandoned", c.CYCLE_NAMESPACE: namespace}
    body: bytes = traces([span("close", {**attributes, **more}, now - SECOND, now)], namespace).SerializeToString()
    return body


def post(collector: Collect, body: bytes, authorization: str | None = None) -> int:
    headers = {} if authorization is None else {"Authorization": authorization}
    return collector.post("traces", body, headers=headers)


def call(collector: Collect, body: bytes, authorization: str | None = None) -> grpc.StatusCode:
    metadata = () if authorization is None else (("authorization", authorization),)
    try:
        collector.call("traces", body, metadata=metadata)
    except grpc.RpcError as error:
        code: grpc.StatusCode = error.code()
        return code
    return grpc.StatusCode.OK


@pytest.fixture
def tokens(tmp_path: Path) -> Path:
    return tmp_path / "tokens.toml"


def test_a_token_writes_only_its_namespaces(collect: Start, tokens: Path, http_sink: HttpSink) -> None:
    team = f"Bearer {add_token(tokens, 'team', '--namespace', 'churn', '--namespace', 'fraud')}"
    everyone = f"Bearer {add_token(tokens, 'all', '--namespace', '*')}"
    reader = f"Bearer {add_token(tokens, 'prometheus', '--read')}"
    collector = collect("--tokens", str(tokens), "--forward", http_sink.url)
    for number, (authorization, namespace, status, code) in enumerate(
        [
            (team, "churn", 200, grpc.StatusCode.OK),
            (team.lower().replace(team[7:].lower(), team[7:]), "fraud", 200, grpc.StatusCode.OK),
            (everyone, "ranking", 200, grpc.StatusCode.OK),
            (team, "ranking", 403, grpc.StatusCode.PERMISSION_DENIED),
            (team, "", 403, grpc.StatusCode.PERMISSION_DENIED),
            (reader, "churn", 403, grpc.StatusCode.PERMISSION_DENIED),
            (None, "churn", 401, grpc.StatusCode.UNAUTHENTICATED),
            (f"{team}x", "churn", 401, grpc.StatusCode.UNAUTHENTICATED),
            (team.removeprefix("Bearer "), "churn", 401, grpc.StatusCode.UNAUTHENTICATED),
            ("Bearer ", "churn", 401, grpc.StatusCode.UNAUTHENTICATED),
        ]
    ):
        assert post(collector, close(f"http{number}@1", namespace), authorization) == status
        if status != 200:
            assert b"token" in collector.answer
        assert call(collector, close(f"grpc{number}@1", namespace), authorization) is code
    stored = {facts["key"] for facts in collector.facts()}
    assert stored == {f"{way}{number}@1" for way in ("http", "grpc") for number in range(3)}
    assert len(http_sink.received) == 6  # what is refused goes nowhere
    assert not any(team[7:] in line or everyone[7:] in line for line in collector.output)
    assert team[7:] not in tokens.read_text()


def test_a_token_of_one_team_cannot_change_a_cycle_of_another_by_its_id(collect: Start, tokens: Path) -> None:
    team = f"Bearer {add_token(tokens, 'team', '--namespace', 'churn')}"
    collector = collect("--tokens", str(tokens))
    others = c.cycle_id("fraud", "model@1")
    now = time.time_ns()
    for attributes in (
        {c.CYCLE_ID: others},
        {c.CYCLE_ID: others, c.CYCLE_KEY: "model@1"},
        {c.CYCLE_ID: others, c.CYCLE_NAMESPACE: "churn"},
    ):
        one = span("close", {**attributes, c.CYCLE_OUTCOME: "abandoned"}, now, now)
        assert post(collector, traces([one], "churn").SerializeToString(), team) == 403
    assert collector.facts() == []


def test_a_record_whose_id_is_not_that_of_its_namespace_and_key_is_set_aside(collect: Start) -> None:
    collector = collect()
    assert post(collector, close("model@1", "fraud")) == 200
    renamed = close("model@1", "fraud", **{c.CYCLE_NAMESPACE: "churn"})
    assert post(collector, renamed) == 200
    assert b"is not that of" in collector.answer
    assert [(one["namespace"], one["key"]) for one in collector.facts()] == [("fraud", "model@1")]
    assert eventually(lambda: collector.total("cycletrace_record_rejected_total")) == 1


def test_the_sdk_sends_its_token_in_the_usual_header(collect: Start, tokens: Path, tmp_path: Path) -> None:
    token = add_token(tokens, "team", "--namespace", "churn")
    collector = collect("--tokens", str(tokens))
    for protocol, port in (("http/protobuf", collector.http_port), ("grpc", collector.grpc_port)):
        environment = {
            **os.environ,
            "CYCLETRACE_DIR": str(tmp_path / protocol.replace("/", "-")),
            "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{port}",
            "OTEL_EXPORTER_OTLP_PROTOCOL": protocol,
            "OTEL_EXPORTER_OTLP_HEADERS": f"Authorization=Bearer%20{token}",
            "OTEL_RESOURCE_ATTRIBUTES": "service.namespace=churn",
        }
        command = [sys.executable, "-m", "cycletrace"]
        for arguments in (["mark", "in_use", "--cycle", f"{protocol}@1"], ["flush"]):
            done = subprocess.run([*command, *arguments], env=environment, capture_output=True, text=True, check=False)
            assert done.returncode == 0, done.stderr
    assert {facts["key"] for facts in collector.facts()} == {"http/protobuf@1", "grpc@1"}


def test_the_file_is_read_again_and_a_broken_one_changes_nothing(collect: Start, tokens: Path) -> None:
    first = f"Bearer {add_token(tokens, 'first', '--namespace', '*')}"
    collector = collect("--tokens", str(tokens))
    second = f"Bearer {add_token(tokens, 'second', '--namespace', '*')}"
    assert post(collector, close("a@1"), second) == 200
    good = tokens.read_text()
    tokens.write_text("not = [toml")
    assert post(collector, close("b@1"), second) == 200
    tokens.write_text(good.splitlines()[1] + "\n")
    assert post(collector, close("c@1"), first) == 401
    assert post(collector, close("c@1"), second) == 200
    tokens.chmod(0o666)
    assert post(collector, close("d@1"), second) == 200
    changes = [line for line in collector.output if "tokens.toml changed" in line]
    assert ["stays in effect" in line for line in changes] == [False, True, False, True]


def test_json_gets_its_refusal_in_json(collect: Start, tokens: Path) -> None:
    add_token(tokens, "team", "--namespace", "churn")
    collector = collect("--tokens", str(tokens))
    body = json_format.MessageToJson(traces([span("x", ours("a@1"), SECOND, SECOND)])).encode()
    assert collector.post("traces", body, "application/json") == 401
    assert b'"code":16' in collector.answer.replace(b" ", b"")


def test_metrics_are_for_readers_and_health_is_for_all(collect: Start, tokens: Path) -> None:
    writer = add_token(tokens, "writer", "--namespace", "*")
    reader = add_token(tokens, "reader", "--read")
    collector = collect("--tokens", str(tokens))
    assert collector.get("/metrics", port="prometheus")[0] == 401
    assert collector.get("/metrics", {"Authorization": f"Bearer {writer}"}, "prometheus")[0] == 401
    assert collector.get("/metrics", {"Authorization": f"Bearer {reader}"}, "prometheus")[0] == 200
    assert collector.get("/healthz")[0] == collector.get("/readyz")[0] == 200


@pytest.mark.parametrize("option", ["grpc", "http", "prometheus"])
def test_other_machines_are_let_in_only_knowingly(tmp_path: Path, option: str) -> None:
    done = refused_here("--store", str(tmp_path / "store.db"), f"--{option}", "0.0.0.0:0")
    assert done.returncode == 2
    assert f"{option}: other machines can reach 0.0.0.0:0" in done.stderr
    assert "--insecure" in done.stderr
    assert not (tmp_path / "store.db").exists()


def test_an_open_collector_is_announced_and_logged(collect: Start) -> None:
    collector = collect("--insecure", "--prometheus", "0.0.0.0:0")
    text = "anybody who can reach it may write and read all cycles (--insecure)"
    said = eventually(lambda: [line for line in collector.output if text in line], lambda lines: len(lines) == 2)
    assert sorted("WARNING" in line for line in said) == [False, True]


@pytest.mark.parametrize(
    ("content", "mode", "sentence"),
    [
        (None, 0o600, "No such file"),
        ("team = 1\n", 0o600, "team: expected"),
        ("team = { sha256 = 'secret', read = true }\n", 0o600, "64 lower-case hexadecimal digits"),
        (f"team = {{ sha256 = '{'0' * 64}' }}\n", 0o600, "team allows nothing"),
        (f"team = {{ sha256 = '{'0' * 64}', write = 'churn' }}\n", 0o600, "expected a list of namespaces"),
        ("", 0o602, "writable by other users"),
        ("#" * (1 << 20) + "\n", 0o600, "larger than"),
    ],
    ids=range(7),
)
def test_an_unusable_file_ends_the_start(
    tmp_path: Path, tokens: Path, content: str | None, mode: int, sentence: str
) -> None:
    if content is not None:
        tokens.write_text(content)
        tokens.chmod(mode)
    done = refused_here("--store", str(tmp_path / "store.db"), "--tokens", str(tokens))
    assert (done.returncode, done.stdout) == (2, "")
    assert sentence in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert "secret" not in done.stderr


def test_a_pipe_is_no_tokens_file(tmp_path: Path, tokens: Path) -> None:
    os.mkfifo(tokens, 0o600)
    assert "not a regular file" in refused_here("--store", str(tmp_path / "s.db"), "--tokens", str(tokens)).stderr


def test_token_add_keeps_what_is_there(tokens: Path) -> None:
    add_token(tokens, "first", "--read")
    assert tokens.stat().st_mode & 0o777 == 0o600
    tokens.write_text(tokens.read_text().rstrip("\n"))
    add_token(tokens, "second", "--namespace", 'a "b", c')
    assert [line.partition(" ")[0] for line in tokens.read_text().splitlines()] == ["first", "second"]
    for name, sentence in (("first", "already"), ("a b", "not a name")):
        with pytest.raises(subprocess.CalledProcessError) as failed:
            add_token(tokens, name, "--read")
        assert sentence in failed.value.stderr


def ask(port: int, method: str, path: str, body: str = "", **headers: str) -> tuple[int, dict[str, str], str]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
        response = connection.getresponse()
        return response.status, dict(response.getheaders()), response.read().decode()
    finally:
        connection.close()


def test_a_browser_signs_in_to_the_board(collect: Start, tokens: Path) -> None:
    reader = add_token(tokens, "reader", "--read")
    writer = add_token(tokens, "writer", "--namespace", "*")
    collector = collect("--tokens", str(tokens), "--board", "0.0.0.0:0")
    port = collector.board_port
    assert post(collector, close("secret-model@1"), f"Bearer {writer}") == 200
    form = {"Content_Type": "application/x-www-form-urlencoded"}
    for path in ("/", "/?cycle=secret-model@1", f"/?token={reader}", "/nothing", "/sign-in"):
        status, _, page = ask(port, "GET", path, Host="collector.example.com")
        assert (status, "secret-model" in page) == (401, False)
        assert '<form method="post">' in page, "which sends it to the page's own address"
    assert ask(port, "GET", "/api/report")[0] == 401
    assert ask(port, "GET", "/assets/page.css")[0] == 200
    for token in (writer, "", "x", "%3Cscript%3E"):
        status, headers, page = ask(port, "POST", "/", f"token={token}", **form)
        assert (status, "Set-Cookie" in headers, "unknown" in page) == (401, False, True)
    assert ask(port, "POST", "/", "token=" + "x" * 100_000, **form)[0] == 413
    for path, then in (("/", "/"), ("//example.com", "/"), ("/?cycle=a%40b&model=x", "/?cycle=a%40b&model=x")):
        status, headers, _ = ask(port, "POST", path, f"token={reader}", **form)
        assert (status, headers["Location"]) == (303, then), "it shows what was asked for, and nothing of another site"
    cookie, *flags = headers["Set-Cookie"].split("; ")
    assert {"HttpOnly", "SameSite=Lax"} <= set(flags)
    status, _, page = ask(port, "GET", "/?cycle=secret-model@1", Cookie=cookie, Host="collector.example.com")
    assert (status, "secret-model" in page) == (200, True)
    assert ask(port, "GET", "/api/report", Authorization=f"Bearer {reader}")[0] in {200, 404}
    assert ask(port, "GET", "/", Cookie=f"cycletrace_token={writer}")[0] == 401
    assert ask(port, "POST", "/", Cookie=cookie)[0] == 405
    again = ask(port, "POST", "/?model=x", f"token={reader}", Cookie=cookie, **form)
    assert (again[0], again[1]["Location"]) == (303, "/?model=x"), "a form in another tab"
    for content_type in ("multipart/form-data", "application/x-www-form-urlencoded; charset=no"):
        assert ask(port, "POST", "/", "token=%ff&\xff", Content_Type=content_type)[0] == 401
    with socket.create_connection(("127.0.0.1", port), timeout=60) as slow:
        kind = form["Content_Type"].encode()
        slow.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Type: " + kind + b"\r\nContent-Length: 9\r\n\r\nt")
        assert slow.recv(15) == b"HTTP/1.1 408 Re"
    tokens.write_text("".join(line for line in tokens.read_text().splitlines(keepends=True) if "writer" in line))
    assert ask(port, "GET", "/", Cookie=cookie)[0] == 401
    assert not any("Traceback" in line for line in collector.output)
