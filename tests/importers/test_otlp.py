"""``cycletrace import otlp``."""

from __future__ import annotations

import gzip
import json
from base64 import b64decode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import json_format
from tests.cli.commands import Shell

from cycletrace._internal.delivery.destination import SIGNALS
from cycletrace._internal.delivery.encode import Item, encode, signal_of
from cycletrace._internal.importers import otlp_file
from cycletrace._internal.importers.found import Problem
from cycletrace._internal.journal.documents import parse

PROGRAM = """
import cycletrace as ct
ct.configure(namespace="ads")
with ct.cycle("churn", "7", domain="tabular", trigger="drift", environment="staging") as cycle:
    with ct.stage("data", attributes={"rows": 3}) as run, run.waiting("data"):
        run.outcome = "cached"
    with ct.stage("train", by="person:ann"):
        with ct.stage("fit", kind="train"):
            pass
    try:
        with ct.stage("test"):
            raise TimeoutError
    except TimeoutError:
        pass
    with cycle.waiting("human"):
        pass
    cycle.alias("git:3f1c")
    cycle.mark("selected")
with ct.cycle("old", "1") as old:
    ct.record_stage("deploy", 1_767_603_600_000_000_000, 1_767_603_700_000_000_000, mechanism="flag")
    old.close("rolled_back")
with ct.stage("outside"):
    pass
"""


@pytest.fixture
def sender(tmp_path: Path) -> Shell:
    """A machine with all kinds of records."""
    (tmp_path / "sender").mkdir()
    shell = Shell(tmp_path / "sender")
    assert shell.python(PROGRAM).code == 0
    for command in (
        "stage begin package --cycle churn@8 --at 2026-01-05T09:00:00Z --attempt 2",
        "stage begin deploy --cycle churn@8 --at 2026-01-05T09:00:00Z",
        "stage end deploy --cycle churn@8 --at 2026-01-05T10:00:00Z --mechanism alias",
        "stage end approve --cycle churn@8 --at 2026-01-05T10:00:00Z --environment prod",
        "wait begin human --cycle churn@8 --at 2026-01-05T10:00:00Z",
        "wait end human --cycle churn@8 --at 2026-01-05T11:00:00Z",
        "wait end data --cycle churn@8 --at 2026-01-05T11:00:00Z",
        "served churn 8 --at 2026-01-05T12:00:00Z --environment staging",
        "mark trained --cycle churn@8",
        "retract",
    ):
        assert shell.run(*command.split(), CYCLETRACE_NAMESPACE="ads").code == 0, command
    return shell


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    (tmp_path / "reader").mkdir()
    return Shell(tmp_path / "reader")


def requests(shell: Shell) -> Iterator[str]:
    """What a machine sends, in JSON: a request for each journal and signal."""
    for journal in sorted((shell.state / "journal").glob("*.jsonl")):
        documents = [parse(line) for line in journal.read_bytes().splitlines()]
        resource = documents[0]["resource"] if "journal" in documents[0] else {}
        records: list[Any] = [document for document in documents if "attributes" in document]
        for name, signal in SIGNALS.items():
            items = [Item(document, resource) for document in records if signal_of(document) == name]
            if items:
                request = json_format.MessageToDict(signal.request.FromString(encode(name, items)))
                yield json.dumps(in_hex(request))


def in_hex(value: Any) -> Any:
    """The same with ids in hex, as OTLP's JSON has them."""
    if isinstance(value, list):
        return [in_hex(member) for member in value]
    if not isinstance(value, dict):
        return value
    ids = {"traceId", "spanId", "parentSpanId"}
    return {name: b64decode(member).hex() if name in ids else in_hex(member) for name, member in value.items()}


def write(shell: Shell, *lines: str, name: str = "otlp.json") -> None:
    (shell.folder / name).write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def facts(shell: Shell) -> list[dict[str, Any]]:
    return shell.facts("--at", "2027-01-01T00:00:00Z")


def test_the_facts_are_those_of_the_machine_that_sent_them(sender: Shell, shell: Shell) -> None:
    write(shell, *requests(sender))
    done = shell.run("import", "otlp", "otlp.json")
    assert (done.code, done.err) == (0, "")
    assert facts(shell) == facts(sender)
    assert {one["namespace"] for one in facts(shell)} == {"ads"}
    assert any(stage["person"] for one in facts(shell) for stage in one["stages"])


def test_importing_again_and_files_that_overlap_change_nothing(sender: Shell, shell: Shell) -> None:
    lines = list(requests(sender))
    write(shell, *lines[:-1], name="first.json")
    write(shell, *lines[1:], name="second.json")
    assert shell.run("import", "otlp", "first.json", "second.json").code == 0
    before = facts(shell)
    assert before == facts(sender)
    spans = len(shell.spans())
    again = shell.run("import", "otlp", "second.json", "first.json")
    assert again.out.startswith("Recorded nothing: ")
    assert len(shell.spans()) == spans
    shell.run("import", "otlp", "first.json", "--again")
    assert facts(shell) == before


def test_a_compressed_file_and_one_that_is_cut_off(sender: Shell, shell: Shell) -> None:
    whole = gzip.compress("".join(f"{line}\n" for line in requests(sender)).encode())
    (shell.folder / "otlp.json.gz").write_bytes(whole)
    (shell.folder / "cut.gz").write_bytes(whole[:-20])
    cut = shell.run("import", "otlp", "cut.gz", "otlp.json.gz")
    assert cut.code == 1
    assert cut.err.startswith("cycletrace: cut.gz: it is damaged or cut off after line ")
    assert facts(shell) == facts(sender)


def test_what_cannot_be_used_is_reported_and_the_rest_taken(sender: Shell, shell: Shell) -> None:
    lines = list(requests(sender))
    spoiled = json.loads(next(line for line in lines if '"resourceSpans"' in line))
    (span, *_) = spoiled["resourceSpans"][0]["scopeSpans"][0]["spans"]
    span["attributes"] = [{"key": "cycletrace.cycle.id", "value": {"stringValue": "x"}}, span["attributes"][0]]
    others = '{"resourceSpans": [{"scopeSpans": [{"spans": [{"name": "GET /"}]}]}]}'
    bad = ('{"resourceSpans": [{"cycletrace.": ', "{}", '{"resourceSpans": 1}', json.dumps(spoiled))
    write(shell, *lines, "", others, '{"resourceMetrics": []}', *bad)
    done = shell.run("import", "otlp", "otlp.json")
    assert done.code == 1
    first = len(lines) + 4
    problems = [line.partition(": ")[2] for line in done.err.splitlines()]
    assert [problem.partition(": ")[0] for problem in problems] == [
        f"otlp.json, line {number}" for number in range(first, first + 4)
    ]
    assert [
        word in problem
        for word, problem in zip(("not JSON", "no OTLP request", "array", "32 hex"), problems, strict=True)
    ]
    assert all(("not JSON" in problems[0], "no OTLP request" in problems[1], "array" in problems[2]))
    assert "cycletrace.cycle.id is not 32 hex digits" in problems[3]
    assert facts(shell) == facts(sender)


@pytest.mark.parametrize("content", [b"\x00\x00\x01\x02\x0a\x05", b"(\xb5/\xfd\x00\x00", b"key,name,start\n"])
def test_another_kind_of_file_is_said_to_be_one(shell: Shell, content: bytes) -> None:
    (shell.folder / "otlp.bin").write_bytes(content)
    done = shell.run("import", "otlp", "otlp.bin")
    assert (done.code, done.out) == (1, "Recorded nothing.\n")
    assert "leave format at json and compression off" in done.err


def test_a_line_that_is_too_long_is_left_out(
    sender: Shell, shell: Shell, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(otlp_file, "MAX_LINE", 64 * 1024)
    write(shell, '{"resourceSpans": [' + " " * 300_000 + "]}", *requests(sender))
    with (shell.folder / "otlp.json").open("rb") as file:
        problem, *items = otlp_file.read("f", file, None)
    assert problem == Problem("f, line 1", "it is longer than 65,536 bytes")
    assert len(items) == len(list(requests(sender)))


def test_since_leaves_out_what_began_earlier(sender: Shell, shell: Shell) -> None:
    write(shell, *requests(sender))
    done = shell.run("import", "otlp", "otlp.json", "--since", "2026-06-01T00:00:00Z", "--dry-run", "--json")
    keys = {one["origin"]["key"] for one in json.loads(done.out)["made"] if one["type"] in {"stage", "wait"}}
    assert "churn@7" in keys
    assert not {"old@1", "churn@8"} & keys
