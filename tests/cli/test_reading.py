"""The commands that look."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import datetime, timezone
from decimal import Decimal
from pathlib import Path

import pytest
from tests.cli.commands import Shell

PIPELINE = """
from cycletrace import cycle, served, stage
with cycle("churn", "7"):
    for name in ("data", "train", "select", "deploy"):
        with stage(name):
            pass
served("churn", "7")
"""


def test_an_existing_script_with_a_stage_and_no_configuration_gives_a_report(shell: Shell) -> None:
    script = shell.folder / "fit.py"
    script.write_text("from cycletrace import stage\n@stage\ndef train(): pass\ntrain()\n", encoding="utf-8")
    done = subprocess.run(
        [sys.executable, str(script)], env=shell.environment(), capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    (facts,) = shell.facts()
    assert (facts["model"], facts["implicit"]) == ("fit", True)
    report = shell.run("report")
    assert report.code == 0
    assert "No figures yet" in report.out
    assert f"{facts['key']}  model fit, implicit" in report.out
    assert re.search(r"\n  train +\S+ \S+  ok ", report.out)


def test_a_stage_of_a_killed_process_is_lost_and_what_had_finished_is_kept(shell: Shell) -> None:
    code = """
import os, signal
from cycletrace import cycle, stage
with cycle("churn", "7"):
    with stage("data"): pass
    with stage("train"): os.kill(os.getpid(), signal.SIGKILL)
"""
    assert shell.python(code).code == -signal.SIGKILL
    (facts,) = shell.facts()
    assert [(stage["name"], stage["outcome"]) for stage in facts["stages"]] == [("data", "ok"), ("train", "lost")]


def put_folder(path: Path) -> None:
    path.mkdir()


def put_pipe(path: Path) -> None:
    os.mkfifo(path)


def put_link_to_a_device(path: Path) -> None:
    path.symlink_to("/dev/zero")


def put_link_to_a_file(path: Path) -> None:
    path.symlink_to("/etc/passwd")


def put_huge_sparse_file(path: Path) -> None:
    path.touch()
    os.truncate(path, 20 << 30)


NAME_OF_A_JOURNAL = f"{1:020d}-1-{'0' * 16}-0000.jsonl"


@pytest.mark.parametrize("put", [put_folder, put_pipe, put_link_to_a_device, put_link_to_a_file, put_huge_sparse_file])
def test_non_journals_in_the_journal_directory_are_ignored_with_one_line(
    shell: Shell, put: Callable[[Path], None]
) -> None:
    assert shell.python(PIPELINE).code == 0
    strays = [shell.state / "journal" / name for name in ("notes.jsonl", NAME_OF_A_JOURNAL)]
    for stray in strays:
        put(stray)
    for command in ("facts", "status", "report", "flush"):
        done = shell.run(command, CYCLETRACE_ENDPOINT="http://127.0.0.1:9")
        for stray in strays:
            assert done.err.count(f"{stray} is not a journal and is ignored.\n") == 1
        assert command == "flush" or done.err.count("\n") == 2, "flush reports the endpoint, too"
    assert [facts["key"] for facts in shell.facts()] == ["churn@7"]
    assert shell.python(PIPELINE).code == 0


def test_journals_of_another_user_are_not_read(shell: Shell) -> None:
    assert shell.python(PIPELINE).code == 0
    shell.state.chmod(0o777)
    for command in ("facts", "status", "report", "flush", "store info"):
        done = shell.run(*command.split(), CYCLETRACE_ENDPOINT="http://127.0.0.1:9")
        assert (done.code, done.out) == (2, "")
        assert done.err.startswith(f"cycletrace: {shell.state} is writable by other users")
        assert done.err.count("\n") == 1


def test_report_facts_and_status_speak_json(shell: Shell) -> None:
    assert shell.python(PIPELINE).code == 0
    (facts,) = shell.facts()
    whole = json.loads(shell.run("report", "--json").out)
    one = json.loads(shell.run("report", "--json", "--cycle", "churn@7").out)
    status = json.loads(shell.run("status", "--json").out)
    assert whole["headline"]["median"]["n"] == 1
    assert one["cycle_time_ns"] == facts["cycle_time_ns"]
    assert status["open"] == []
    assert status["delivery"]["endpoint"] is None


def test_an_empty_store_prints_how_to_record_a_first_cycle(shell: Shell) -> None:
    assert "cycletrace demo" in shell.run("report").out
    assert "cycletrace demo" in shell.run("status").out
    facts = shell.run("facts")
    assert (facts.code, facts.out) == (0, "")
    assert "cycletrace demo" in facts.err


def test_missing_packages_are_installed_from_a_clone(shell: Shell) -> None:
    for command, module, extra in (("report", "numpy", "report"), ("collect", "aiohttp", "collector")):
        main = f"from cycletrace._internal.cli.main import main; sys.exit(main(['{command}']))"
        missing = shell.python(f"import sys; sys.modules['{module}'] = None; {main}")
        assert missing.code == 2
        assert missing.err.startswith(f"cycletrace: the {extra} needs {module}. Install it from a clone")
        assert missing.err.endswith(f": pip install '.[{extra}]'\n")


@pytest.mark.parametrize("command", [["report"], ["report", "--json"], ["facts"], ["status"], ["status", "--json"]])
def test_a_filter_that_matches_nothing_names_what_there_is(shell: Shell, command: list[str]) -> None:
    for key, team in (("churn@7", "ads"), ("fraud@1", "ads"), ("churn@8", "vision")):
        shell.run("mark", "started", "--cycle", key, CYCLETRACE_NAMESPACE=team)
    for filters, message in (
        (["--namespace", "adz"], "of the namespace 'adz'.\nKnown namespaces: 'ads', 'vision'.\n"),
        (["--model", "chrun"], "of the model 'chrun'.\nKnown models: 'churn', 'fraud'.\n"),
        (["--cycle", "churn@9"], "with the key 'churn@9'.\nKnown keys: 'churn@8', 'churn@7', 'fraud@1'.\n"),
        (["--model", "fraud", "--namespace", "vision"], "of the model 'fraud' of the namespace 'vision'.\n"),
        (["--model", "churn", "--at", "2026-01-05T08:00:00Z"], "of the model 'churn', as of that time.\n"),
    ):
        missing = shell.run(*command, *filters)
        assert (missing.code, missing.out, missing.err) == (1, "", f"There is no cycle here {message}")


def test_before_the_first_cycle_there_was_none(shell: Shell) -> None:
    shell.run("mark", "started", "--cycle", "churn@7")
    for command in ("report", "facts", "status"):
        early = shell.run(command, "--at", "2026-01-05T08:00:00Z")
        assert early.code == 0
        assert (early.out or early.err).startswith("There was no cycle here yet at that time.\n")


def test_at_most_ten_names_are_listed_the_nearest_first(shell: Shell) -> None:
    shell.python("from cycletrace import served\nfor v in range(12): served('churn', str(v))")
    missing = shell.run("facts", "--cycle", "churn@12")
    assert missing.code == 1
    known = missing.err.splitlines()[1]
    assert known.count("'churn@") == 10
    assert known.endswith(", and 2 more.")
    assert known.startswith(("Known keys: 'churn@1',", "Known keys: 'churn@2',"))
    assert shell.run("status").out.startswith("No open cycles.\n")


def test_facts_that_a_collector_did_not_revise_are_no_mismatch(shell: Shell) -> None:
    shell.run("mark", "started", "--cycle", "churn@7")
    for option in ("--as-observed", "--revisions"):
        assert shell.run("facts", option, "--cycle", "churn@7") == (0, "", "")
        assert shell.run("facts", option, "--cycle", "churn@8").code == 1


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize("command", [["facts"], ["report"], ["report", "--json"], ["status"], ["--help"]])
@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_full_disk_is_reported_in_one_line(shell: Shell, command: list[str], unbuffered: str) -> None:
    shell.run("mark", "started", "--cycle", "churn@7")
    with Path("/dev/full").open("w", encoding="ascii") as full:
        done = subprocess.run(
            [sys.executable, "-m", "cycletrace", *command],
            env=shell.environment(PYTHONUNBUFFERED=unbuffered),
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    if command == ["--help"] and unbuffered:
        return  # argparse itself ignores the failure
    assert (done.returncode, done.stderr) == (
        2,
        "cycletrace: the output cannot be written: No space left on device.\n",
    )


@pytest.mark.parametrize("command", ["facts", "report", "report --cycle churn@7", "status", "status --json", "--help"])
def test_a_reader_that_has_seen_enough_ends_the_command_quietly(shell: Shell, command: str) -> None:
    shell.run("mark", "started", "--cycle", "churn@7")
    script = f'"{sys.executable}" -m cycletrace {command} | head -c 1 >/dev/null; exit "${{PIPESTATUS[0]}}"'
    for pipeline in (script, script.replace("head -c 1", "true")):
        done = subprocess.run(
            ["bash", "-c", pipeline], env=shell.environment(), capture_output=True, text=True, check=False
        )
        assert (done.returncode, done.stderr) == (0, "")


def test_status_says_how_the_last_stage_ended(shell: Shell) -> None:
    def doing() -> str:
        return shell.run("status").out.splitlines()[1]

    run = ("run", "--stage", "train", "--cycle", "churn@7", "--")
    shell.run(*run, "true")
    assert "idle after train for" in doing()
    shell.run(*run, "false")
    assert re.search(r"; train failed \S+ m?s ago,", doing())
    (cycle,) = json.loads(shell.run("status", "--json").out)["open"]
    assert (cycle["state"], cycle["what"]) == ("error", "train")
    kill = "import os\nfrom cycletrace import stage\nwith stage('fit'): os.kill(os.getpid(), 9)"
    shell.python(kill, CYCLETRACE_CYCLE="churn@7")
    assert re.search(r"; fit was lost \S+ m?s ago,", doing())
    assert re.search(r"fit was lost \S+ m?s ago", shell.run("report", "--cycle", "churn@7").out)
    assert "fit was lost" in shell.run("report").out


def test_status_leaves_out_runs_outside_any_cycle_that_are_over(shell: Shell) -> None:
    shell.python("from cycletrace import stage\nwith stage('train'): pass")
    assert shell.run("status").out.startswith("No open cycles.\n")
    assert json.loads(shell.run("status", "--json").out)["open"] == []
    shell.run("run", "--stage", "select", "--", "true")
    assert shell.run("status").out.startswith("1 open:\n")


def test_journals_of_a_directory_are_read_into_a_store_elsewhere(shell: Shell) -> None:
    """As is necessary for a directory on a network file system."""
    shell.run("run", "--stage", "train", "--cycle", "churn@7", "--", "true")
    into = ("--store", "elsewhere.db", "--dir", str(shell.state))
    first = shell.facts(*into)
    assert [(facts["key"], len(facts["stages"])) for facts in first] == [("churn@7", 1)]
    assert not (shell.state / "store.db").exists()
    shell.run("run", "--stage", "train", "--cycle", "churn@8", "--", "true")
    assert len(shell.facts(*into)) == 2
    assert len(shell.facts("--store", "elsewhere.db")) == 2, "which also keeps them"


def test_status_of_a_store_says_nothing_about_the_delivery_of_this_machine(shell: Shell) -> None:
    shell.run("mark", "started", "--cycle", "churn@7")
    shell.facts()
    shell.run("store", "backup", "team.db")
    assert "everything stays on this machine" in shell.run("status").out
    assert "Delivery" not in shell.run("status", "--store", "team.db").out
    assert json.loads(shell.run("status", "--store", "team.db", "--json").out)["delivery"] is None


def test_status_shows_the_state_of_open_cycles(shell: Shell) -> None:
    shell.run("stage", "begin", "train", "--cycle", "churn@7")
    shell.run("wait", "begin", "compute", "--stage", "train", "--cycle", "churn@7")
    assert "churn@7: started; waiting for compute for" in shell.run("status").out


def test_a_damaged_journal_line_affects_no_other_and_is_reported(shell: Shell) -> None:
    shell.python(PIPELINE)
    (journal,) = (shell.state / "journal").glob("*.jsonl")
    lines = journal.read_bytes().splitlines(keepends=True)
    lines[3] = b"00000000" + lines[3][8:]
    journal.write_bytes(b"".join(lines))
    (facts,) = shell.facts()
    assert facts["outcome"] == "in_use"
    assert "1 records were damaged" in shell.run("status").out


@pytest.mark.parametrize("command", ["report", "facts", "status"])
def test_a_file_that_is_not_a_store_is_rejected_and_not_modified(shell: Shell, command: str) -> None:
    path = shell.folder / "holiday.db"
    path.write_bytes(b"not a store" * 100)
    result = shell.run(command, "--store", str(path))
    assert result.code == 2
    assert result.err.count("\n") == 1
    assert "no store of cycletrace" in result.err
    assert path.read_bytes() == b"not a store" * 100


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["report", "--target", "deployment"], "deployment"),
        (["report", "--window", "sometime"], "sometime"),
        (["report", "--timezone", "Mars/Base"], "Mars/Base"),
        (["facts", "--at", "2026-01-05T09:00:00"], "time zone"),
        (["facts", "--at", "tomorrow"], "2026-11-24T09:30:00Z"),
        (["facts", "--at", "²"], "2026-11-24T09:30:00Z"),
        (["facts", "--at", "9223372036854775808"], "must be a time from 2000 until 2100"),
        (["facts", "--at", "9999-01-01T00:00:00Z"], "must be a time from 2000 until 2100"),
        (["report", "--nope"], "For help: cycletrace report --help"),
        (["flush", "--timeout", "-1"], "must be a number of seconds"),
        (["start", ""], "must not be empty"),
        (["served", "churn", ""], "must not be empty"),
        (["alias", ""], "must not be empty"),
        (["mark", "happy"], "happy"),
        (["fax"], "fax"),
        ([], "COMMAND"),
    ],
)
def test_an_invalid_command_line_prints_how_to_fix_it(shell: Shell, arguments: list[str], said: str) -> None:
    result = shell.run(*arguments)
    assert result.code == 2
    assert said in result.err
    assert "Traceback" not in result.err


def test_a_reader_that_has_seen_enough_is_no_error(shell: Shell) -> None:
    shell.python(PIPELINE)
    command = f"{sys.executable} -m cycletrace facts | head -c 1 >/dev/null; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", command], env=shell.environment(), capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_facts_are_those_of_the_instant_that_is_asked_for(shell: Shell) -> None:
    shell.run("mark", "started", "--cycle", "churn@7", "--at", "2026-01-05T09:00:00Z")
    shell.run("mark", "in_use", "--cycle", "churn@7", "--at", "2026-01-05T12:00:00Z")
    (then,) = shell.facts("--at", "2026-01-05T10:00:00Z")
    assert (then["outcome"], then["cycle_time_ns"]) == ("open", 3600 * 10**9)
    assert shell.facts("--at", "2026-01-05T08:00:00Z") == []


def test_flush_without_an_endpoint_names_the_variable_to_set(shell: Shell) -> None:
    result = shell.run("flush")
    assert result.code == 2
    assert "OTEL_EXPORTER_OTLP_ENDPOINT" in result.err


def test_doctor_finds_problems_and_prints_what_to_do(shell: Shell, tmp_path: Path) -> None:
    assert shell.run("doctor").code == 0
    findings = shell.run("doctor", "--json", CYCLETRACE_LAUNCH="moon", CYCLETRACE_ENDPOINT="http://127.0.0.1:9")
    wrong = [json.loads(line) for line in findings.out.splitlines() if not json.loads(line)["is_sound"]]
    assert findings.code == 1
    assert {finding["check"] for finding in wrong} == {"settings", "endpoint for traces", "endpoint for logs"}
    assert all(finding["advice"] for finding in wrong)
    shell.state.mkdir(exist_ok=True)
    (shell.state / "store.db").write_bytes(b"not a store" * 100)
    damaged = shell.run("doctor")
    assert damaged.code == 1
    assert "no store of cycletrace" in damaged.out
    if os.getuid() != 0:  # root may write everywhere
        (tmp_path / "closed").mkdir(mode=0o500)
        assert shell.run("doctor", "--dir", str(tmp_path / "closed" / "state")).code == 1


def test_the_store_is_looked_after_from_the_command_line(shell: Shell) -> None:
    shell.python(PIPELINE)
    shell.facts()
    assert json.loads(shell.run("store", "info", "--json").out)["cycles"] == 1
    assert shell.run("store", "check").code == 0
    assert shell.run("store", "backup", "copy.db").code == 0
    assert shell.run("facts", "--store", "copy.db").out == shell.run("facts").out
    assert shell.run("store", "prune", "--older-than", "400d").code == 0
    assert shell.run("store", "prune", "--older-than", "soon").code == 2


def test_the_page_is_written_to_a_file_for_all_cycles_or_for_one(shell: Shell) -> None:
    shell.python(PIPELINE)
    done = shell.run("report", "--html", "all.html")
    assert (done.code, done.out) == (0, "The report is in all.html. Open it in a browser.\n"), done.err
    page = (shell.folder / "all.html").read_text(encoding="utf-8")
    assert page.startswith("<!DOCTYPE html>")
    assert "Median cycle time" in page
    assert shell.run("report", "--cycle", "churn@7", "--html", "one.html").code == 0
    one = (shell.folder / "one.html").read_text(encoding="utf-8")
    assert "The course of churn@7" in one
    assert "Median cycle time" not in one


def test_the_page_shows_the_latest_run_as_long_as_no_cycle_counts(shell: Shell) -> None:
    shell.python("from cycletrace import stage\nwith stage('train'): pass")
    done = shell.run("report", "--html", "report.html")
    assert done.code == 0, done.err
    assert "No figures yet" in done.out
    assert "The course of " in (shell.folder / "report.html").read_text(encoding="utf-8")


def test_a_page_that_cannot_be_written_is_one_sentence(shell: Shell) -> None:
    shell.python(PIPELINE)
    done = shell.run("report", "--html", "missing/report.html")
    assert (done.code, done.out) == (2, "")
    assert "missing/report.html cannot be written: No such file or directory." in done.err
    assert "Traceback" not in done.err


def test_without_cycles_there_is_no_page(shell: Shell) -> None:
    done = shell.run("report", "--html", "report.html")
    assert (done.code, done.err) == (0, "")
    assert "There is no cycle here yet" in done.out
    assert not (shell.folder / "report.html").exists()


def test_records_dated_later_than_now_are_noted_until_their_time_has_come(shell: Shell) -> None:
    shell.python(PIPELINE)
    note = "2 records dated later than now: a clock or a date is wrong. Each counts once its time has come."
    assert note not in shell.run("report", "--full", "--markdown").out
    in_an_hour = datetime.fromtimestamp(time.time() + 3600, timezone.utc).isoformat()
    for command in ("mark selected --cycle churn@7", "close failed --cycle churn@8"):
        assert shell.run(*command.split(), "--at", in_an_hour).code == 0
    assert note in shell.run("report", "--full", "--markdown").out
    status = shell.run("status")
    assert "Store: 2 records are dated later than now. Each counts once its time has come.\n" in status.out
    assert json.loads(shell.run("status", "--json").out)["records"]["later"] == 2
    page = shell.folder / "report.html"
    assert shell.run("report", "--html", str(page)).code == 0
    assert "dated later than now" in page.read_text(encoding="utf-8")


def test_a_report_is_a_summary_unless_sections_are_chosen(shell: Shell) -> None:
    shell.python(PIPELINE)
    summary = shell.run("report").out
    assert "Where the time goes" not in summary
    assert len([line for line in summary.splitlines() if line.strip()]) <= 10
    assert "Where the time goes" in shell.run("report", "--full").out
    chosen = shell.run("report", "tests", "time").out
    assert chosen.index("Tests") < chosen.index("Where the time goes")
    assert "Automate next" not in chosen
    assert "By model" in shell.run("report", "--by", "model").out
    unknown = shell.run("report", "wait")
    assert unknown.code == 2
    assert "invalid choice: 'wait' (choose from time, automate, waits, manual, tests," in unknown.err
    for words in (["--json"], ["--html", "x.html"], ["--cycle", "churn@7"]):
        refused = shell.run("report", "waits", *words)
        assert refused.code == 2
        assert "always has all sections: leave out SECTION, --by and --full" in refused.err


def test_a_domain_selects(shell: Shell) -> None:
    for model, domain in (("a", "vision"), ("b", "text")):
        joined = f"with cycle({model!r}, '1', domain={domain!r}), stage('train'): pass"
        shell.python(f"from cycletrace import cycle, stage\n{joined}")
    assert [facts["model"] for facts in shell.facts("--domain", "vision")] == ["a"]
    assert "a@1" in shell.run("status", "--domain", "vision").out
    assert "b@1" not in shell.run("status", "--domain", "vision").out
    assert "domain vision" in shell.run("report", "--domain", "vision").out
    unknown = shell.run("report", "--domain", "visoin")
    assert unknown.code == 1
    assert "Known domains: 'vision', 'text'." in unknown.err


def test_facts_as_csv_have_the_figures_of_the_facts(shell: Shell) -> None:
    shell.python(PIPELINE)
    shell.python("""
from cycletrace import cycle, stage
for key in ("=cmd|' /C calc'!A0", "a,\\"b\\"\\n;c", "-1+1", "\\x1b[31mred"):
    with cycle("odd", key=key), stage("train"):
        pass
""")
    facts = shell.facts()
    rows = list(csv.DictReader(io.StringIO(shell.run("facts", "--csv").out)))
    assert [row["cycle_id"] for row in rows] == [one["cycle_id"] for one in facts]
    assert {row["key"] for row in rows} == {"churn@7", "'=cmd|' /C calc'!A0", 'a,"b"\ufffd;c', "'-1+1", "\ufffd[31mred"}
    (row,) = (each for each in rows if each["key"] == "churn@7")
    (one,) = (each for each in facts if each["key"] == "churn@7")
    assert (row["model"], row["implicit"], row["outcome"], row["stages"]) == ("churn", "false", "in_use", "4")
    for column, length in (("cycle_s", one["cycle_time_ns"]), ("training_s", one["parts_ns"]["training"])):
        assert round(float(row[column]) * 1e9) == length
    spent = [Decimal(row[f"{activity}_s"]) for activity in one["activity_ns"]]
    assert sum(spent) == Decimal(row["cycle_s"])
    assert datetime.fromisoformat(row["in_use"]).timestamp() == pytest.approx(one["marks"]["in_use"] / 1e9, abs=1e-5)
    assert shell.run("facts", "--csv", "--revisions").code == 2
    assert shell.run("facts", "--csv", "--model", "none").code == 1
