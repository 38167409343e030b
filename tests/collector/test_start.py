"""Options of the collector, and its errors where it cannot start."""

from __future__ import annotations

import contextlib
import io
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from tests.collector.otlp import SECOND, a_cycle, traces
from tests.collector.process import Collect, eventually
from tests.collector.sinks import HttpSink

from cycletrace import conventions as c
from cycletrace._internal.cli.main import main
from cycletrace._internal.collector import serve
from cycletrace._internal.collector.options import OptionError, make_options, read_config

Start = Callable[..., Collect]


class Refused(NamedTuple):
    returncode: int
    stdout: str
    stderr: str


def refused(*arguments: str) -> Refused:
    """``cycletrace collect`` in a process of its own."""
    command = [sys.executable, "-m", "cycletrace", "collect", *arguments]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)
    return Refused(done.returncode, done.stdout, done.stderr)


def refused_here(*arguments: str) -> Refused:
    """The same in this process, which has imported everything already."""
    out, err = io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        patch.setenv("GRPC_VERBOSITY", "NONE")  # which it sets, as it does what is replaced here
        patch.setattr(serve, "allow_many_connections", lambda: None)
        try:
            code: Any = main(["collect", *arguments])
        except SystemExit as exited:
            code = exited.code
    return Refused(code, out.getvalue(), err.getvalue())


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--forward", "ftp://host"], "expected a URL that begins with"),
        (["--forward", "tracks=http://host"], "expected one of traces, logs, metrics"),
        (["--forward", "http://127.0.0.1:4318"], "would circulate forever"),
        (["--forward", "grpc://localhost:4317"], "would circulate forever"),
        (["--metrics-to", "http://localhost:4318"], "would circulate forever"),
        (["--forward", "http://[::ffff:127.0.0.1]:4318"], "would circulate forever"),
        (
            ["--insecure", "--http", "0.0.0.0:4318", "--forward", f"http://{socket.gethostname()}:4318"],
            "would circulate forever",
        ),
        (["--forward-headers", "my secret"], "forward-headers: expected name=value"),
        (["--forward-headers", "a=b%0d%0aevil: yes"], "forward-headers: expected name=value"),
        (["--grpc", "here"], "expected HOST:PORT"),
        (["--board", "here"], "board is 'here': expected HOST:PORT"),
        (["--board", "0.0.0.0:4319"], "the board has no sign-in"),
        (["--interval", "soon"], "expected a length"),
        (["--target", "flight:2h"], "not a target"),
        (["--label-limit", "1"], "expected a whole number of at least 2"),
        (["--max-body", "16 parsecs"], "expected a size"),
        (["--config", "/nowhere.toml"], "cannot be read"),
        (["--forward-certificate", "/nowhere.pem"], "there is no file"),
    ],
)
def test_wrong_options_are_reported_in_one_sentence(tmp_path: Path, options: list[str], sentence: str) -> None:
    check_refused(refused_here("--store", str(tmp_path / "store.db"), *options), sentence)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--forward", "ftp://host"], "expected a URL that begins with"),
        (["--store", "/dev/null/store.db"], "store"),
        (["--store", __file__], "is no store of cycletrace"),
    ],
)
def test_a_process_is_refused_with_the_same_sentence(tmp_path: Path, options: list[str], sentence: str) -> None:
    store = [] if "--store" in options else ["--store", str(tmp_path / "store.db")]
    check_refused(refused(*store, *options), sentence)


def check_refused(done: Refused, sentence: str) -> None:
    assert done.returncode == 2
    assert sentence in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert done.stdout == ""
    assert "secret" not in done.stderr


def test_a_busy_port_is_reported_in_one_sentence(collect: Start, tmp_path: Path) -> None:
    collector = collect()
    for option, port in (("--grpc", collector.grpc_port), ("--http", collector.http_port)):
        other = "--http" if option == "--grpc" else "--grpc"
        arguments = [option, f"127.0.0.1:{port}", other, "127.0.0.1:0", "--store", str(tmp_path / "other.db")]
        done = refused(*arguments)
        assert done.returncode == 2
        assert f"Cannot listen on 127.0.0.1:{port}" in done.stderr
        assert len(done.stderr.splitlines()) == 1
    for option in ("--board", "--prometheus"):
        free = ["--grpc", "127.0.0.1:0", "--http", "127.0.0.1:0", "--store", str(tmp_path / "other.db")]
        done = refused(option, f"127.0.0.1:{collector.http_port}", *free)
        assert done.returncode == 2
        assert f"Cannot listen on 127.0.0.1:{collector.http_port}" in done.stderr
        assert len(done.stderr.splitlines()) == 1


def test_a_file_says_the_same_as_the_command_line(collect: Start, http_sink: HttpSink, tmp_path: Path) -> None:
    config = tmp_path / "collect.toml"
    config.write_text(
        f"""
        grace = 0
        label_limit = 3
        [[forward]]
        url = "{http_sink.url}"
        signals = ["logs"]
        headers = {{ Authorization = "secret" }}
        timeout = "2s"
        """
    )
    collector = collect("--config", str(config))
    collector.post("logs", b"")
    collector.post("traces", b"")
    assert [(one.signal, one.headers["authorization"]) for one in http_sink.received] == [("logs", "secret")]
    start = time.time_ns() - 3 * 3600 * SECOND
    for model in range(5):
        body = traces(a_cycle(f"m{model}@1", start)).SerializeToString()
        collector.post("traces", body)
    done = "cycletrace_cycle_completed_total"
    assert eventually(lambda: collector.total(done), lambda seen: seen == 5) == 5
    assert collector.total(done, otel_metric_overflow="true") == 3
    assert sum("has reached the limit" in line and c.CYCLE_COMPLETED in line for line in collector.output) == 1


@pytest.mark.parametrize(
    ("toml", "sentence"),
    [
        ("intervall = 5", "There is no option 'intervall'"),
        ("interval = true", "expected LENGTH"),
        ("forward = 5", "expected [SIGNAL=]URL"),
        ("[[forward]]\nurl = 5", "expected a URL such as"),
        ('[[forward]]\nurl = "http://x"\nfoo = 1', "or a table with url"),
        ('[[forward]]\nurl = "http://x"\nsignals = "logs"', "expected a list of some of"),
        ('[[forward]]\nurl = "http://x"\nsignals = [["logs"]]', "expected a list of some of"),
        ('[[forward]]\nurl = "http://x"\nheaders = ["a"]', "expected a table of names and values"),
        ('[[forward]]\nurl = "http://x"\nheaders = { a = "b\\nc" }', "expected name=value"),
        ('[[forward]]\nurl = "http://x"\ntimeout = "soon"', "expected a length"),
        ('forward = ["http://x", "traces=http://x"]', "would be sent to http://x twice"),
        ("[", "is not TOML"),
    ],
)
def test_a_file_that_cannot_be_followed_is_reported_in_one_sentence(tmp_path: Path, toml: str, sentence: str) -> None:
    config = tmp_path / "collect.toml"
    config.write_text(toml)
    with pytest.raises(OptionError) as caught:
        make_options(read_config(config), tmp_path / "store.db")
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)


def test_headers_may_come_from_the_environment(http_sink: HttpSink, tmp_path: Path) -> None:
    collector = Collect(
        tmp_path / "store.db",
        "--forward",
        http_sink.url,
        environment={"CYCLETRACE_FORWARD_HEADERS": "Authorization=Basic%20abc,x-tenant=us"},
    )
    try:
        collector.post("logs", b"")
        (received,) = http_sink.received
        assert (received.headers["authorization"], received.headers["x-tenant"]) == ("Basic abc", "us")
    finally:
        collector.kill()


def test_a_second_collector_of_one_store_is_refused_until_the_first_is_gone(collect: Start, tmp_path: Path) -> None:
    collector = collect()
    ports = ["--grpc", "127.0.0.1:0", "--http", "127.0.0.1:0"]
    other_name = tmp_path / "link.db"
    other_name.symlink_to(collector.store)
    for name in (collector.store, other_name):
        done = refused(*ports, "--store", str(name))
        assert done.returncode == 2
        assert done.stderr.startswith("cycletrace: Another collector uses the store")
        assert len(done.stderr.splitlines()) == 1
    collector.kill()
    collector.restart()
    assert collector.get("/readyz")[0] == 200
