"""``cycletrace import csv``."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from tests.cli.commands import Result, Shell

from cycletrace import conventions as c
from cycletrace._internal.importers import csv_file, driver
from cycletrace._internal.importers.seen import Seen

MINUTE = 60 * 10**9

HISTORY = """\
key,record,name,queued,start,end,outcome,by,launch,environment,mechanism
churn@6,mark,started,,2026-02-02T08:00:00Z,,,,,,
churn@6,,train,2026-02-02T08:30:00Z,2026-02-02T09:00:00Z,2026-02-02T11:00:00Z,error,,scheduler,,
churn@6,,train,2026-02-02T12:00:00Z,2026-02-02T12:10:00Z,2026-02-02T14:00:00Z,,,scheduler,,
churn@6,stage,select,,2026-02-02T14:30:00+00:00,2026-02-02T15:40:00+01:00,,person:ann,,,
churn@6,wait,human,,2026-02-02T14:40:00Z,2026-02-02T15:40:00Z,,,,,
churn@6,,deploy,,2026-02-02T15:40:00Z,2026-02-02T15:50:00Z,,,ci,production,
churn@6,mark,in_use,,2026-02-02T16:00:00Z,,,,,production,flag
churn@6,alias,git:3f1c,,2026-02-02T08:00:00Z,,,,,,
churn@5,close,superseded,,2026-02-02T16:00:00Z,,,,,,
"""


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    return Shell(tmp_path)


def imported(shell: Shell, text: str, *arguments: str, **variables: str) -> Result:
    (shell.folder / "history.csv").write_text(text, encoding="utf-8")
    return shell.run("import", "csv", "history.csv", *arguments, **variables)


def as_json(shell: Shell, text: str, *arguments: str) -> dict[str, Any]:
    return dict(json.loads(imported(shell, text, "--json", *arguments).out))


def test_the_figures_are_those_computed_by_hand(shell: Shell) -> None:
    """Started 8:00; queued 8:30, trained in vain 9:00 to 11:00; queued 12:00, trained 12:10 to 14:00; selected by hand
    14:30 to 14:40; approved by 15:40; deployed by 15:50; used at 16:00.
    """
    done = imported(shell, HISTORY)
    assert (done.code, done.err) == (0, "")
    assert done.out == "Recorded 2 cycles: 4 stages, 3 waits, 2 marks, 1 alias, 1 close.\n"
    cycles = {facts["key"]: facts for facts in shell.facts()}
    churn = cycles["churn@6"]
    assert (churn["outcome"], churn["model"], churn["version"], churn["flags"]) == ("in_use", "churn", "6", {})
    assert {part: length and length / MINUTE for part, length in churn["parts_ns"].items()} == {
        "training": 360,
        "selection": 40,
        "deployment": 80,
        "activation": 10,
    }
    assert {name: length / MINUTE for name, length in churn["activity_ns"].items() if length} == {
        "work.automation": 120 + 110 + 10,
        "work.human": 10,
        "wait.compute": 30 + 10,
        "wait.human": 60,
        "unexplained": 30 + 60 + 30 + 10,
    }
    assert [(one["name"], one["attempt"], one["outcome"], one["launch"]) for one in churn["stages"]] == [
        ("train", 1, "error", "scheduler"),
        ("train", 2, "ok", "scheduler"),
        ("select", 1, "ok", "other"),
        ("deploy", 1, "ok", "ci"),
    ]
    assert cycles["churn@5"]["outcome"] == "superseded"
    (by_alias,) = shell.facts("--cycle", "git:3f1c")
    assert by_alias == churn


def test_importing_again_changes_nothing(shell: Shell) -> None:
    at = ("--at", "2026-03-01T00:00:00Z")
    imported(shell, HISTORY)
    before, spans = shell.facts(*at), len(shell.spans())
    again = imported(shell, HISTORY)
    assert again.out == "Recorded nothing: 9 imported before are unchanged.\n"
    assert len(shell.spans()) == spans
    imported(shell, HISTORY, "--again")
    assert len(shell.spans()) == 2 * spans
    assert shell.facts(*at) == before


def test_a_damaged_note_of_what_was_imported_does_no_harm(shell: Shell) -> None:
    imported(shell, HISTORY)
    (notes,) = (shell.state / "imports").iterdir()
    notes.write_bytes(notes.read_bytes()[:-5])
    assert as_json(shell, HISTORY)["unchanged"] == 8
    assert as_json(shell, HISTORY)["unchanged"] == 9


def test_what_was_retracted_stays_so(shell: Shell) -> None:
    imported(shell, HISTORY)
    (churn,) = shell.facts("--cycle", "churn@6")
    assert shell.run("retract", churn["stages"][3]["id"]).code == 0
    imported(shell, HISTORY, "--again")
    (after,) = shell.facts("--cycle", "churn@6")
    assert [stage["name"] for stage in after["stages"]] == ["train", "train", "select"]


def test_a_row_that_was_running_ends_in_a_later_import(shell: Shell) -> None:
    rows = "key,name,queued,start,end,id\nchurn@7,train,2026-02-02T08:00:00Z,2026-02-02T09:00:00Z,{},17\n"
    imported(shell, rows.format(""))
    (running,) = shell.facts("--at", "2026-02-02T10:00:00Z")
    assert [(stage["end"], stage["outcome"]) for stage in running["stages"]] == [(None, None)]
    imported(shell, rows.format("2026-02-02T11:00:00Z"))
    (ended,) = shell.facts()
    assert [(stage["id"], stage["outcome"]) for stage in ended["stages"]] == [(running["stages"][0]["id"], "ok")]
    assert ended["stages"][0]["id"] == c.job_stage_id(ended["cycle_id"], "csv", "17", 1)
    assert len(ended["waits"]) == 1


def test_a_wait_may_be_one_of_a_stage(shell: Shell) -> None:
    imported(
        shell,
        "key,record,name,stage,start,end,id,attempt\n"
        "churn@7,stage,train,,2026-02-02T09:00:00Z,2026-02-02T11:00:00Z,17,2\n"
        "churn@7,wait,data,17,2026-02-02T09:30:00Z,2026-02-02T10:00:00Z,,2\n",
    )
    (facts,) = shell.facts()
    assert facts["waits"][0]["stage"] == facts["stages"][0]["id"]
    assert facts["activity_ns"]["wait.data"] == 30 * MINUTE


def test_a_dry_run_records_nothing_and_shows_what_it_would(shell: Shell) -> None:
    done = imported(shell, HISTORY, "--dry-run")
    assert done.out.splitlines()[:3] == [
        "CYCLE    RECORD  NAME        START                 END                   OUTCOME",
        "churn@6  mark    started     2026-02-02T08:00:00Z",
        "churn@6  wait    compute     2026-02-02T08:30:00Z  2026-02-02T09:00:00Z",
    ]
    assert done.out.splitlines()[-1] == "Would record 2 cycles: 4 stages, 3 waits, 2 marks, 1 alias, 1 close."
    assert not shell.state.exists()
    made = as_json(shell, HISTORY, "--dry-run")["made"]
    imported(shell, HISTORY)
    stages = [one for one in made if one["type"] == "stage"]
    (churn,) = shell.facts("--cycle", "churn@6")
    assert [one["id"] for one in stages] == [stage["id"] for stage in churn["stages"]]
    assert as_json(shell, HISTORY, "--dry-run")["made"] == []


def test_rows_before_since_are_left_out(shell: Shell) -> None:
    result = as_json(shell, HISTORY, "--since", "2026-02-02T12:00:00Z")
    assert result["records"] == {"stage": 3, "wait": 2, "mark": 1, "close": 1}


def test_people_are_recorded_as_the_settings_say(shell: Shell) -> None:
    def person(**variables: str) -> str:
        result = imported(shell, HISTORY, "--dry-run", "--json", **variables)
        return str(
            next(one["person"] for one in json.loads(result.out)["made"] if one["type"] == "stage" and one["person"])
        )

    assert person(CYCLETRACE_PEOPLE="names") == "ann"
    assert person() == person()
    assert person() not in {"ann", person(CYCLETRACE_PEOPLE_KEY="s3cret")}


def test_where_the_import_runs_says_nothing_about_the_records(shell: Shell) -> None:
    variables = {"OTEL_RESOURCE_ATTRIBUTES": "deployment.environment.name=staging", "CYCLETRACE_LAUNCH": "terminal"}
    table = "key,name,start,end\nchurn@7,deploy,2026-02-02T09:00:00Z,2026-02-02T11:00:00Z\n"
    imported(shell, table, **variables)
    (facts,) = shell.facts()
    assert (facts["marks"]["deployed"] is not None, facts["stages"][0]["launch"]) == (True, "other")


def test_the_table_of_a_spreadsheet(shell: Shell) -> None:
    table = "\N{BYTE ORDER MARK}Model;Version;Name;Start;End\r\nchurn;7;train;1770022800000000000;\r\n;;;;\r\n"
    result = as_json(shell, table, "--dry-run")
    assert (result["records"], result["problem_count"]) == ({"stage": 1}, 0)
    assert result["made"][0]["origin"]["key"] == "churn@7"


HEAD = "key,model,version,record,name,start,end,queued,kind,outcome,by,launch,attempt,mechanism,trigger"
GOOD = {"key": "churn@7", "name": "train", "start": "2026-02-02T09:00:00Z", "end": "2026-02-02T11:00:00Z"}
WRONG: list[tuple[dict[str, str], str]] = [
    ({"key": ""}, "key must not be empty, unless model and version are there"),
    ({"name": ""}, "name must not be empty"),
    ({"start": ""}, "start must not be empty"),
    ({"start": "yesterday"}, "start must be a time such as 2026-11-24T09:30:00Z, or UTC nanoseconds, got 'yesterday'"),
    ({"start": "2026-02-02T09:00:00"}, "start must have a time zone, got '2026-02-02T09:00:00': write"),
    ({"start": "1770022800"}, "That looks like seconds; in nanoseconds it is 1770022800000000000"),
    ({"end": "2026-02-02T08:59:59Z"}, "end must not be before start, got '2026-02-02T08:59:59Z'"),
    ({"end": "2098-02-02T09:00:00Z"}, "it is more than a day ahead"),
    ({"queued": "x"}, "queued must be a time"),
    ({"record": "run"}, "record must be one of stage, wait, mark, alias, close, got 'run'"),
    ({"kind": "training"}, "kind must be one of data, train, .*, got 'training'"),
    ({"outcome": "failed"}, "outcome must be one of ok, error, .*, got 'failed'"),
    ({"outcome": "ok", "end": ""}, "end must not be empty, since the outcome is 'ok'"),
    ({"by": "ann"}, "by must be automation or person:NAME, got 'ann'"),
    ({"by": "person"}, "by must be automation or person:NAME, got 'person'"),
    ({"launch": "cron"}, "launch must be one of"),
    ({"attempt": "0"}, "attempt must be a whole number from 1, got '0'"),
    ({"mechanism": "magic"}, "mechanism must be one of redeploy"),
    ({"trigger": "whim"}, "trigger must be one of idea"),
    ({"record": "wait", "name": "gpu"}, "name of a wait must be one of human, .*, got 'gpu'"),
    ({"record": "mark", "name": "done"}, "name of a mark must be one of started"),
    ({"record": "close", "name": "in_use"}, "name of a close must be one of failed"),
    ({"key": "x" * 5000}, "cycletrace.cycle.key is longer than 4096 characters"),
]


@pytest.mark.parametrize(("wrong", "reason"), WRONG)
def test_a_bad_row_is_reported_with_its_line_and_the_rest_taken(wrong: dict[str, str], reason: str) -> None:
    rows = [GOOD, {**GOOD, **wrong}, {**GOOD, "name": "evaluate"}]
    lines = [HEAD, *(",".join(row.get(column, "") for column in HEAD.split(",")) for row in rows)]
    taken: list[Any] = []
    found = csv_file.read((f"{line}\n" for line in lines), csv_file.Choices("", str))
    done = driver.run(found, Seen({}), lambda records, _: taken.extend(records), 1_780_000_000 * 10**9)
    assert [one.name for one in taken] == ["train", "evaluate"]
    (problem,) = done.problems
    assert problem.where == "line 3"
    assert re.search(reason, problem.reason), problem.reason


def test_problems_are_printed_and_set_the_exit_code(shell: Shell) -> None:
    table = (
        b"key,name,start,colour\n"
        b'churn@7,"train\nagain",2026-02-02T09:00:00Z,\n'
        b"churn@7,caf\xe9,2026-02-02T09:00:00Z,\n"
        b"churn@7,\x1b[31m,2026-02-02T09:00:00Z,,,\n"
        b"churn@7,test,\x1b[31m\n"
    )
    (shell.folder / "history.csv").write_bytes(table + b"churn@7,test,now\n" * 30)
    done = shell.run("import", "csv", "history.csv")
    assert (done.code, done.out) == (1, "Recorded 1 cycle: 1 stage.\n")
    assert done.err.splitlines()[:4] == [
        "cycletrace: line 1: columns without a meaning here are left out: 'colour'",
        "cycletrace: line 4: it is not UTF-8 text",
        "cycletrace: line 5: it has 6 cells, and there are 4 columns",
        "cycletrace: line 6: start must be a time such as 2026-11-24T09:30:00Z, or UTC nanoseconds, got '\\x1b[31m'",
    ]
    assert done.err.splitlines()[-1] == "cycletrace: and 14 more problems."


@pytest.mark.parametrize("table", ["", "a,b\n1,2\n", "key,start\nchurn@7,1\n", "\x00\x01"])
def test_a_file_that_is_no_such_table(shell: Shell, table: str) -> None:
    done = imported(shell, table)
    assert (done.code, done.out) == (1, "Recorded nothing.\n")
    assert "line 1 must name the columns, in UTF-8, and lacks" in done.err


def test_what_cannot_be_read_or_written_is_a_sentence(shell: Shell) -> None:
    missing = shell.run("import", "csv", "nothing.csv")
    assert (missing.code, missing.err) == (2, "cycletrace: nothing.csv cannot be read: No such file or directory.\n")
    unwritable = imported(shell, HISTORY, CYCLETRACE_DIR="/dev/null/state")
    assert unwritable.code == 2
    assert unwritable.err == "cycletrace: /dev/null/state cannot be used: Not a directory.\n"
    disabled = imported(shell, HISTORY, CYCLETRACE_DISABLED="1")
    assert (disabled.code, "Unset it" in disabled.err) == (2, True)
