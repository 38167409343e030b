"""The board as a process: what it serves, what it refuses, what it does about a store that cannot be read."""

from __future__ import annotations

import json
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from tests.board.process import COMMAND, Served, record
from tests.collector.process import eventually
from tests.journals import environment
from tests.report.histories import HOUR, MINUTE, Team
from tests.report.pages import HOSTILE
from tests.store.build import finished

from cycletrace._internal.board.responses import HEADERS
from cycletrace._internal.board.selection import Selection
from cycletrace._internal.flow import Record
from cycletrace._internal.store import FILE, open_store
from cycletrace.conventions import cycle_id

Serve = Callable[..., Served]


def put(state: Path, records: Iterable[Record]) -> None:
    """Put records into the store of a state directory."""
    state.mkdir(mode=0o700)
    with open_store(state / FILE) as store, store.write() as tx:
        tx.add(records, time.time_ns())


def started(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Run a board that should not start."""
    command = [*COMMAND, *options]
    env = environment(folder / "state")
    return subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, timeout=60, check=False)


def two_cycles() -> list[Record]:
    start = time.time_ns() - HOUR
    done = Team("churn@7", start, domain="tabular")
    done.stage("train", 10 * MINUTE)
    done.mark("in_use")
    begun = Team("digits@1", start)
    begun.mark("started")
    return done.records + begun.records


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A board over two cycles, which no test changes."""
    folder = tmp_path_factory.mktemp("board")
    put(folder / "state", two_cycles())
    board = Served(folder)
    yield board
    board.stop()


@pytest.fixture
def board(serve: Serve, tmp_path: Path) -> Served:
    """A board over two cycles, for tests that change them."""
    put(tmp_path / "state", two_cycles())
    return serve()


def test_it_serves_the_page_and_the_document_of_the_report(shown: Served) -> None:
    page = shown.get("/")
    assert page.status == 200
    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    assert '<option value="churn">churn</option>' in page.text
    assert 'id="summary"' in page.text
    reply = shown.get("/api/report")
    done = subprocess.run(
        [sys.executable, "-m", "cycletrace", "report", "--json"],
        env=environment(shown.state),
        capture_output=True,
        check=True,
    )
    printed = json.loads(done.stdout)
    assert reply.json().keys() == printed.keys()
    for key in ("counts", "headline", "target", "trigger", "selection", "accounting"):
        assert reply.json()[key] == printed[key]


def test_one_cycle_is_found_by_key_and_id(shown: Served) -> None:
    for asked in ("churn@7", cycle_id("", "churn@7")):
        assert shown.get(f"/api/report?cycle={asked}").json()["key"] == "churn@7"
        page = shown.get(f"/?cycle={asked}")
        assert page.status == 200
        assert ">churn@7</bdi></h1>" in page.text


def test_a_filter_selects(shown: Served) -> None:
    reply = shown.get("/api/report?model=churn&window=all").json()
    assert (reply["counts"]["known"], reply["selection"]) == (1, {"model": "churn"})
    assert shown.get("/api/report?domain=tabular").json()["counts"]["known"] == 1
    assert '<option value="churn" selected>' in shown.get("/?model=churn").text
    assert shown.get("/?model=&namespace=&window=30d").status == 200, "as a form sends it"


def test_all_triggers_can_be_selected(serve: Serve, tmp_path: Path) -> None:
    retrained = Team("churn@8", time.time_ns() - HOUR, trigger="schedule")
    retrained.mark("started")
    put(tmp_path / "state", two_cycles() + retrained.records)
    board = serve()
    assert len(board.get("/api/report").json()["work"]["open"]) == 1
    assert len(board.get("/api/report?trigger=all").json()["work"]["open"]) == 2
    assert '<option value="all" selected>' in board.get("/?trigger=all").text


def test_records_that_are_dated_later_than_now_are_counted(serve: Serve, tmp_path: Path) -> None:
    ahead = Team("churn@8", time.time_ns() + 5 * HOUR)
    ahead.mark("started")
    put(tmp_path / "state", two_cycles() + ahead.records)
    board = serve()
    assert board.get("/api/report").json()["remarks"]["later_records"] == 1
    assert "1 record dated later than now" in board.get("/").text


@pytest.mark.parametrize(
    ("query", "status", "sentence"),
    [
        ("model=churm", 404, "There is no cycle of the model churm. Known models: churn, digits."),
        ("domain=x", 404, "There is no cycle of the domain x. Known domains: tabular, digits."),
        ("cycle=nobody@1", 404, "There is no cycle nobody@1"),
        ("window=soon", 400, "not a window: 'soon'"),
        ("timezone=Mars", 400, "not a time zone: 'Mars'"),
        ("target=soon", 400, "soon"),
        ("trigger=whim", 400, "not a trigger: 'whim'. The triggers are idea, schedule, drift, fix, all."),
        ("team=ads", 400, "not a filter: 'team'. The filters are namespace, model,"),
        ("model=churn&model=digits", 400, "twice"),
        ("&".join(f"a{n}=1" for n in range(99)), 400, "too many filters"),
    ],
)
def test_a_value_that_is_unknown_is_explained(shown: Served, query: str, status: int, sentence: str) -> None:
    reply = shown.get(f"/api/report?{query}")
    assert (reply.status, list(reply.json())) == (status, ["error"])
    assert sentence in reply.json()["error"]
    page = shown.get(f"/?{query}")
    assert page.status == status
    assert '<main id="main">' in page.text
    assert "board.js" not in page.text, "there is nothing to wait for"


def test_an_unknown_name_is_answered_with_links_to_known_ones(shown: Served) -> None:
    assert '<a href="/?model=churn&amp;window=all">' in shown.get("/?model=churm&window=all").text


@pytest.mark.parametrize("path", ["/nope", "/api/nope", "/assets/../board.py", "/%2e%2e/etc/passwd", "//evil.example"])
def test_an_unknown_path_is_a_page_in_the_same_style(shown: Served, path: str) -> None:
    reply = shown.get(path)
    assert reply.status == 404
    if path.startswith("/api"):
        assert "There is no page" in reply.json()["error"]
    else:
        assert '<link rel="stylesheet" href="/assets/page.css">' in reply.text


@pytest.mark.parametrize("path", ["/", "/api/report", "/nope", "/assets/board.js", "/?window=soon"])
def test_every_response_has_the_headers(shown: Served, path: str) -> None:
    for method in ("GET", "HEAD", "POST"):
        sent = shown.get(path, method=method).headers
        assert {name: sent[name] for name in HEADERS} == HEADERS
    assert "unsafe" not in HEADERS["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in HEADERS["Content-Security-Policy"]


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"])
def test_nothing_but_reading_is_allowed(shown: Served, method: str) -> None:
    refused = shown.get("/api/report", method=method)
    assert (refused.status, refused.headers["Allow"]) == (405, "GET, HEAD")


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost", 200),
        ("LOCALHOST:8080", 200),
        ("127.0.0.1:1", 200),
        ("[::1]:4319", 200),
        ("evil.example", 403),
        ("localhost.evil.example", 403),
        ("127.0.0.2", 403),
        ("", 403),
    ],
)
def test_a_page_of_another_site_cannot_read_it_under_its_own_name(shown: Served, host: str, status: int) -> None:
    reply = shown.get("/api/report", {"Host": host})
    assert reply.status == status
    assert ("counts" in reply.text) == (status == 200)


def test_a_look_that_shows_nothing_new_is_not_modified(board: Served) -> None:
    etag = board.get("/").headers["ETag"]
    for path in ("/", "/api/report"):
        again = board.get(path, {"If-None-Match": etag})
        assert (again.status, again.text, again.headers["ETag"]) == (304, "", etag)
    assert board.get("/?model=churn", {"If-None-Match": etag}).status == 200
    record(board.state, "mark", "selected", "--cycle", "digits@1")
    changed = eventually(lambda: board.get("/", {"If-None-Match": etag}), lambda reply: reply.status == 200)
    assert changed.headers["ETag"] != etag


def test_head_has_no_body(shown: Served) -> None:
    reply = shown.get("/api/report", method="HEAD")
    assert (reply.status, reply.text) == (200, "")
    assert int(reply.headers["Content-Length"]) == len(shown.get("/api/report").text)


def test_names_are_text(serve: Serve, tmp_path: Path) -> None:
    teams = [Team(f"{name}@1", time.time_ns() - HOUR, model=name, domain=name, namespace=name) for name in HOSTILE]
    for team, name in zip(teams, HOSTILE, strict=True):
        team.stage(name, MINUTE)
    put(tmp_path / "state", [record for team in teams for record in team.records])
    board = serve()
    for path in ("/", "/?model=%3Cscript%3Ealert(1)%3C/script%3E", "/?model=%3Cscript%3E", "/%3Cscript%3Ealert(1)"):
        text = board.get(path).text
        assert "<script>" not in text
        assert "<img" not in text
        assert "alert(1)'>" not in text
        assert "\x1b" not in text
    for team in teams:
        assert board.get(f"/?cycle={team.origin.cycle_id}").status == 200
        assert board.get(f"/api/report?cycle={quote(team.origin.key or '')}").status == 200


def test_the_description_has_each_filter_and_status(shown: Served) -> None:
    described = shown.get("/api/openapi.json").json()
    operation = described["paths"]["/api/report"]["get"]
    assert {each["name"] for each in operation["parameters"] if each["in"] == "query"} == set(Selection._fields)
    assert set(operation["responses"]) == {"200", "300", "304", "400", "401", "403", "404", "405", "500", "503"}


def test_a_key_of_two_teams_leads_to_both(serve: Serve, tmp_path: Path) -> None:
    put(tmp_path / "state", [*finished("churn@7", namespace="ads"), *finished("churn@7", 1, namespace="risk")])
    board = serve()
    page = board.get("/?cycle=churn@7")
    assert page.status == 300
    assert f"cycle={cycle_id('ads', 'churn@7')}" in page.text
    assert board.get("/api/report?cycle=churn@7&namespace=risk").json()["namespace"] == "risk"


def test_it_waits_for_the_first_cycle(serve: Serve) -> None:
    board = serve()
    assert "No cycle is recorded here yet" in board.get("/").text
    record(board.state, "mark", "started", "--cycle", "churn@7")
    eventually(lambda: board.get("/").text, lambda text: "churn@7" in text)
    assert "churn@7" in board.get("/").text


def test_a_store_that_cannot_be_read_is_a_sentence_until_it_can(board: Served) -> None:
    store = board.state / FILE
    assert board.get("/").status == 200
    kept = store.with_suffix(".kept")
    shutil.copy(store, kept)
    store.write_bytes(b"SQLite format 3\0" + b"damaged" * 1000)
    broken = eventually(lambda: board.get("/api/report"), lambda reply: reply.status == 503)
    assert "is damaged" in broken.json()["error"]
    page = board.get("/")
    assert page.status == 503
    assert "Traceback" not in page.text
    assert "board.js" in page.text, "the page comes back by itself"
    for companion in store.parent.glob(f"{FILE}-*"):
        companion.unlink()
    store.unlink()
    kept.rename(store)
    assert eventually(lambda: board.get("/").status, lambda status: status == 200) == 200


def test_a_store_of_a_newer_version_is_a_sentence(tmp_path: Path) -> None:
    put(tmp_path / "state", two_cycles())
    store = tmp_path / "state" / FILE
    connection = sqlite3.connect(store)
    connection.execute("PRAGMA user_version = 999")
    connection.close()
    refused = started(tmp_path, "--store", str(store))
    assert (refused.returncode, refused.stdout) == (2, "")
    assert "upgrade cycletrace" in refused.stderr


def test_another_store_than_this_machines_can_be_shown(serve: Serve, tmp_path: Path) -> None:
    other = tmp_path / "other"
    put(other, two_cycles())
    board = serve("--store", str(other / FILE))
    assert "churn@7" in board.get("/").text
    assert not (board.state / FILE).exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_ends_quietly(serve: Serve, number: int) -> None:
    assert serve().stop(number) == (0, "")


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--listen", "0.0.0.0:4319"], "which other machines can reach, but the board has no sign-in"),
        (["--listen", "192.168.1.5:4319"], "has no sign-in"),
        (["--listen", "example.com:4319"], "has no sign-in"),
        (["--listen", "4319"], "expected HOST:PORT"),
        (["--store", "nothing.db"], "There is no store nothing.db"),
    ],
)
def test_it_refuses_to_start(tmp_path: Path, options: list[str], sentence: str) -> None:
    done = started(tmp_path, *options)
    assert (done.returncode, done.stdout) == (2, "")
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr


def test_an_address_in_use_is_a_sentence(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        done = started(tmp_path, "--listen", address)
    assert done.returncode == 2
    assert done.stderr.startswith(f"cycletrace: Cannot listen on {address}: ")
    assert done.stderr.count("\n") == 1
