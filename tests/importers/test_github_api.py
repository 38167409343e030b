"""``cycletrace import github --repo``, from a real server."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.cli.commands import Result, Shell
from tests.importers.histories import REPO, Answer, Server, at, run, serving, small

from cycletrace._internal.importers.found import SourceError
from cycletrace._internal.importers.github_api import api_of
from cycletrace._internal.importers.web import ATTEMPTS, client

SECRET = "ghp_s3cret"
JOBS = "/actions/runs/101/jobs"
WHOLE = "Recorded 3 cycles: 7 stages, 9 waits, 1 mark, 1 close.\n"


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    return Shell(tmp_path)


@pytest.fixture
def server() -> Iterator[Server]:
    with serving(small()) as running:
        yield running


def imported(shell: Shell, server: Server, *arguments: str, **variables: str) -> Result:
    where = ("--repo", REPO, "--api", server.base)
    return shell.run("import", "github", *where, *arguments, GITHUB_TOKEN=SECRET, **variables)


def facts(shell: Shell) -> list[dict[str, Any]]:
    return shell.facts("--at", "2026-03-20T00:00:00Z")


def test_the_api_gives_the_same_facts_as_its_saved_answers(shell: Shell, server: Server, tmp_path: Path) -> None:
    done = imported(shell, server)
    assert (done.code, done.out, done.err) == (0, WHOLE, "")
    other = Shell(tmp_path / "other")
    other.folder.mkdir()
    small().save(lambda name, text: (other.folder / name).write_text(text, encoding="utf-8"))
    assert other.run("import", "github", ".").code == 0
    assert facts(other) == facts(shell)
    assert {headers["Authorization"] for _, headers in server.asked} == {f"Bearer {SECRET}"}


def test_the_next_import_asks_only_about_what_is_new(shell: Shell, server: Server) -> None:
    imported(shell, server)
    before = facts(shell)
    server.asked.clear()
    again = imported(shell, server, GITHUB_API_URL="http://127.0.0.1:9")
    assert again.out == "Recorded nothing: 3 imported before are unchanged.\n"
    assert [path.removeprefix(f"/repos/{REPO}/") for path, _ in server.asked] == [
        "actions/runs",
        "actions/runs/103/jobs",  # it still runs
        "deployments",
        "actions/runs",
    ]
    assert facts(shell) == before


def test_runs_before_since_are_not_asked_for(shell: Shell, server: Server) -> None:
    done = imported(shell, server, "--since", at("12:30"))
    assert done.out == "Recorded 1 cycle: 1 stage, 2 waits.\n"
    assert sum(path.endswith("/jobs") for path, _ in server.asked) == 1


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (Answer(401), "answered 401 Unauthorized. GITHUB_TOKEN is wrong or has expired"),
        (Answer(403), "answered 403 Forbidden. GITHUB_TOKEN may not read this"),
        (Answer(404), "answered 404 Not Found. Check the name of the repository"),
        (Answer(200, b"[1]"), "answered with another kind of JSON than this API. Check --api."),
        (Answer(429, headers={"Retry-After": "7200"}), "answered 429 Too Many Requests. Import again later"),
    ],
)
def test_what_was_read_is_kept_and_the_next_import_goes_on_there(
    shell: Shell, server: Server, answer: Answer, sentence: str
) -> None:
    server.instead[JOBS] = [answer]
    done = imported(shell, server)
    assert (done.code, done.out) == (1, "Recorded 2 cycles: 2 stages, 3 waits, 1 close.\n")
    (line,) = done.err.splitlines()
    assert sentence in line
    assert SECRET not in done.err
    assert "Traceback" not in done.err
    server.asked.clear()
    rest = imported(shell, server)
    assert rest.out == "Recorded 1 cycle: 5 stages, 6 waits, 1 mark; 2 imported before are unchanged.\n"
    assert not any("/102/" in path for path, _ in server.asked)
    assert len(facts(shell)) == 3


@pytest.mark.parametrize(
    "answer",
    [
        Answer(429, headers={"Retry-After": "0"}),
        Answer(403, headers={"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1"}),
        Answer(500),
        Answer(502, b"<html>"),
        Answer(200, b'{"total_count": 1, "jobs": [{"id'),
        Answer(200, b'{"total_count": 1,', {"Content-Length": "900"}),
    ],
)
def test_what_passes_is_asked_again(shell: Shell, server: Server, answer: Answer) -> None:
    server.instead[JOBS] = [answer]
    done = imported(shell, server)
    assert (done.code, done.out) == (0, WHOLE)
    asks_to_wait = answer.status in {403, 429}
    assert done.err.endswith(" s.\n") if asks_to_wait else done.err == ""


def test_without_access_to_deployments_nothing_is_guessed(shell: Shell, server: Server) -> None:
    """Else a deployment to a test environment would count as one to production."""
    server.instead["/deployments"] = [Answer(403)]
    done = imported(shell, server)
    assert (done.code, done.out) == (1, "Recorded nothing.\n")
    assert "it needs read access to Actions and Deployments" in done.err


def test_a_cycle_may_begin_with_the_first_commit_of_its_pull_request(shell: Shell, server: Server) -> None:
    imported(shell, server)
    assert not any("pulls" in path for path, _ in server.asked)
    assert imported(shell, server, "--first-commit").code == 0
    started = {one["key"]: one["marks"]["started"] for one in facts(shell)}
    assert started["churn@101"] == 1_769_756_400 * 10**9  # 2026-01-30 07:00 UTC
    asked = [path for path, _ in server.asked if "pulls" in path]
    assert sum(path.endswith("/pulls") for path in asked) == 1  # a schedule and a person caused the others
    server.instead["/commits"] = [Answer(403)]
    refused = imported(shell, server, "--first-commit", "--again")
    assert (refused.code, "with --first-commit to Pull requests and Contents" in refused.err) == (1, True)
    usage = shell.run("import", "github", ".", "--first-commit")
    assert (usage.code, "--first-commit needs the API" in usage.err) == (2, True)


def test_a_run_that_has_ended_since_is_read_again(shell: Shell) -> None:
    history = small()
    with serving(history) as server:
        imported(shell, server)
        running = history.jobs[9]
        running |= {"status": "completed", "conclusion": "success", "completed_at": at("14:00")}
        history.runs[0] |= {"status": "completed", "conclusion": "success"}
        history.jobs.pop()
        assert imported(shell, server).out.startswith("Recorded 1 cycle: 1 stage,")
        ended = next(one for one in facts(shell) if one["key"] == "churn@103")
        assert [(stage["outcome"], stage["kind"]) for stage in ended["stages"]] == [("ok", "train")]


def test_a_dry_run_notes_nothing(shell: Shell, server: Server) -> None:
    done = imported(shell, server, "--dry-run", "--json")
    assert json.loads(done.out)["records"] == {"stage": 7, "wait": 9, "mark": 1, "close": 1}
    assert not shell.state.exists()


def waiting(base: str) -> tuple[Any, list[float], list[str]]:
    """A client, for how long it slept, and what it said."""
    slept: list[float] = []
    told: list[str] = []
    return client(api_of(base, ""), told.append, slept.append), slept, told


def test_it_waits_for_as_long_as_it_is_asked_to(server: Server) -> None:
    get, slept, told = waiting(server.base)
    reset = str(int(time.time()) + 600)
    server.instead["/deployments"] = [
        Answer(429, headers={"Retry-After": "30"}),
        Answer(403, headers={"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": reset}),
        Answer(503),
    ]
    assert get(f"repos/{REPO}/deployments", {"sha": "x"}).value == []
    assert (slept[0], 500 < slept[1] <= 601, slept[2:]) == (30.0, True, [0.5])
    assert told[0] == f"{server.base} asks to wait 30 s."
    assert server.asked[0][1].get("Authorization") is None


@pytest.mark.parametrize("answer", [Answer(500), Answer(429, headers={"Retry-After": "1"}), Answer(200, b"{")])
def test_it_gives_up_in_the_end(server: Server, answer: Answer) -> None:
    get, slept, _ = waiting(server.base)
    server.instead["/deployments"] = [answer] * 99
    with pytest.raises(SourceError, match="Import again later: it goes on there"):
        get(f"repos/{REPO}/deployments", {})
    assert ATTEMPTS - 1 <= len(slept) <= 2 * ATTEMPTS


def test_where_nobody_answers_it_says_so() -> None:
    get, _, _ = waiting("http://127.0.0.1:9")
    with pytest.raises(SourceError, match=r"^http://127\.0\.0\.1:9/x cannot be reached: ConnectionRefusedError"):
        get("x", {"secret": "1"})


def test_the_token_is_sent_nowhere_else(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login ann password forged\n")
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    get = client(api_of(server.base, SECRET), print)
    get(f"repos/{REPO}/deployments", {"sha": "x"})
    assert server.asked[0][1]["Authorization"] == f"Bearer {SECRET}"
    with serving(small()) as other:
        with pytest.raises(SourceError, match="names a next page elsewhere"):
            get(f"{other.base}/repos", {})
        server.instead["/deployments"] = [
            Answer(302, headers={"Location": f"{other.base.replace('127.0.0.1', 'localhost')}/x"})
        ]
        with pytest.raises(SourceError, match="404"):
            get(f"repos/{REPO}/deployments", {"sha": "x"})
        assert "Authorization" not in other.asked[0][1]


def test_runs_of_a_broken_answer_are_problems(shell: Shell) -> None:
    history = small()
    history.runs[:] = [
        run(1, "yesterday"),
        {**run(2, at("08:00")), "id": None},
        {**run(3, at("08:00")), "repository": None},
    ]
    with serving(history) as server:
        done = imported(shell, server)
    assert (done.code, "Traceback" in done.err) == (1, False)
    assert "run None: id must be a number" in done.err
    assert "run 3: nothing says which model it is for: name it with --model" in done.err
