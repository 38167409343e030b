"""``cycletrace rules test``: what rules make of each span, before a collector uses them."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path

import pytest
from tests.collector.otlp import ours
from tests.rules.payloads import PIPELINE, airflow, circleci, request, span, task

from cycletrace._internal.cli.main import main

Capture = pytest.CaptureFixture[str]


class Stdin:
    """What is piped into a command."""

    def __init__(self, content: bytes) -> None:
        self.buffer = io.BytesIO(content)


@pytest.fixture
def own(tmp_path: Path) -> Path:
    file = tmp_path / "own.toml"
    file.write_text('[[rule]]\nname = "live"\nwhere = { live = true }\ncycle = "{service}@1"\nmark = "in_use"\n')
    return file


def run(monkeypatch: pytest.MonkeyPatch, content: bytes, *arguments: str) -> int:
    monkeypatch.setattr(sys, "stdin", Stdin(content))
    return main(["rules", "test", *arguments])


def test_a_table_shows_what_becomes_of_each_span(own: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    body = request(
        task("train model", "failure", 1),
        task("deploy", "skip", 2),
        circleci("approval", "hold\n", 3),
        span("release", {"live": True, "service": "churn"}, 4),
        span("release", {"live": True}, 5),
        span("GET /", {}, 6),
        span("fit", ours("churn@7", stage__id="a", stage__name="fit"), 7),
        resource=PIPELINE,
    )
    assert run(monkeypatch, body, str(own), "cicd") == 0
    revision = PIPELINE["vcs.ref.head.revision"]
    lines = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert lines == [
        "SPAN BECOMES CYCLE",
        f"train model stage train model (train), error churn@{revision}",
        "deploy - cicd, rule 5 (a task): it was skipped",
        f"Job: hold\N{REPLACEMENT CHARACTER} wait human churn@{revision}",
        "release mark in_use churn@1",
        f"release - {own}, rule 1 (live): the attribute service is missing",
        "GET / - no rule means it",
        "fit - it is a span of cycletrace, which needs no rule",
    ]


def test_the_same_as_json(monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    body = request(airflow("train", "success"), span("GET /", {}, 2))
    assert run(monkeypatch, body, "airflow", "--json") == 0
    first, second = json.loads(capsys.readouterr().out)["spans"]
    assert (first["span"], first["reason"]) == ("task_run.train", "")
    assert (first["record"]["type"], first["record"]["name"], first["record"]["outcome"]) == ("stage", "train", "ok")
    assert first["record"]["origin"]["key"] == "churn@scheduled__2026-01-05T08:00:00+00:00"
    assert second == {"span": "GET /", "record": None, "reason": "no rule means it"}


def test_requests_may_stand_on_a_line_each_or_be_indented(monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    one = request(airflow("train", "success"))
    others = b'{"resourceLogs": []}'
    indented = json.dumps(json.loads(one), indent=2).encode()
    for content, count in ((b"\n".join([one, b"", others, one, b""]), 2), (indented, 1)):
        assert run(monkeypatch, content, "airflow", "--json") == 0
        assert len(json.loads(capsys.readouterr().out)["spans"]) == count


def test_the_exit_code_is_1_if_nothing_became_a_record(monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    assert run(monkeypatch, request(airflow("train", "success")), "cicd") == 1
    assert "no rule means it" in capsys.readouterr().out
    assert run(monkeypatch, request(), "cicd") == 1


@pytest.mark.parametrize(
    ("content", "arguments", "sentence"),
    [
        (b"", ["cicd"], "stdin is empty: "),
        (b"{}\n{", ["cicd"], "line 2 cannot be read: not JSON: "),
        (b"[]", ["cicd"], "stdin cannot be read: not an OTLP request: "),
        (request(), ["nothing.toml"], "The rules nothing.toml cannot be read: No such file or directory."),
    ],
)
def test_what_cannot_be_read_is_invalid_usage(
    content: bytes, arguments: list[str], sentence: str, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    assert run(monkeypatch, content, *arguments) == 2
    assert capsys.readouterr().err.startswith(f"cycletrace: {sentence}")


def test_it_reads_a_pipe() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "cycletrace", "rules", "test", "airflow"],
        input=request(airflow("train", "success")),
        capture_output=True,
        check=False,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"stage train (train), ok" in done.stdout
