"""Made-up runs of GitHub Actions, as its REST API answers, and servers that answer like an API."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlsplit

REPO = "octo/churn"
Json = dict[str, Any]


def at(clock: str, day: str = "2026-02-02") -> str:
    """An instant of a day: ``09:15``."""
    return f"{day}T{clock}:00Z"


class History(NamedTuple):
    """All that the API knows of a repository."""

    runs: list[Json]
    jobs: list[Json]
    deployments: list[Json]
    statuses: list[Json]

    def save(self, write: Callable[[str, str], object]) -> None:
        """Write each as a user saves it: runs as two pages one after the other, the others as arrays."""
        half = len(self.runs) // 2
        pages = [
            {"total_count": len(self.runs), "workflow_runs": part} for part in (self.runs[:half], self.runs[half:])
        ]
        write("runs.json", "\n".join(map(json.dumps, pages)))
        write("jobs.json", json.dumps({"total_count": len(self.jobs), "jobs": self.jobs}))
        write("deployments.json", json.dumps(self.deployments))
        write("statuses.json", json.dumps(self.statuses, indent=1))


def run(number: int, created: str, **fields: Any) -> Json:
    return {
        "id": number,
        "name": "Deploy",
        "path": ".github/workflows/deploy.yml@refs/heads/main",
        "workflow_id": 1,
        "run_number": number - 100,
        "run_attempt": 1,
        "event": "push",
        "status": "completed",
        "conclusion": "success",
        "head_branch": "main",
        "head_sha": f"{number:040x}",
        "created_at": created,
        "run_started_at": created,
        "updated_at": created,
        "head_commit": {"timestamp": created},
        "repository": {"name": "churn", "full_name": REPO},
        **fields,
    }


def job(run_id: int, number: int, name: str, created: str, started: str, completed: str | None, **fields: Any) -> Json:
    return {
        "id": number,
        "run_id": run_id,
        "run_attempt": 1,
        "name": name,
        "status": "in_progress" if completed is None else "completed",
        "conclusion": None if completed is None else "success",
        "created_at": created,
        "started_at": started,
        "completed_at": completed,
        "runner_id": 7,
        "steps": [{"name": "Set up job"}],
        **fields,
    }


def deployment(run_id: int, job_id: int, environment: str, *states: tuple[str, str]) -> tuple[Json, list[Json]]:
    """A deployment that a job made, and its statuses: instants and states."""
    url = f"https://api.github.com/repos/{REPO}/deployments/{job_id}"
    log = f"https://github.com/{REPO}/actions/runs/{run_id}/job/{job_id}"
    whole = {"url": url, "id": job_id, "sha": f"{run_id:040x}", "environment": environment, "task": "deploy"}
    statuses = [
        {"id": number, "state": state, "created_at": created, "deployment_url": url, "log_url": log, "target_url": log}
        for number, (created, state) in enumerate(states)
    ]
    return {**whole, "statuses_url": f"{url}/statuses"}, statuses[::-1]


def small() -> History:
    """A run that was repeated and approved, one that failed for good, and one that still runs."""
    inherited = {"run_attempt": 2, "conclusion": "success"}
    jobs = [
        job(101, 1, "train", at("08:05"), at("08:15"), at("09:15")),
        job(101, 2, "test (a)", at("09:15"), at("09:20"), at("09:30")),
        job(101, 3, "test (b)", at("09:15"), at("09:20"), at("09:40"), conclusion="failure"),
        job(101, 4, "deploy", at("09:40"), at("09:40"), at("09:40"), conclusion="skipped", runner_id=0, steps=[]),
        # Repeated: what had succeeded is taken over, under new numbers.
        job(101, 11, "train", at("10:00"), at("08:15"), at("09:15"), **inherited),
        job(101, 12, "test (a)", at("10:00"), at("09:20"), at("09:30"), **inherited),
        job(101, 13, "test (b)", at("10:00"), at("10:02"), at("10:22"), **inherited),
        job(101, 14, "deploy", at("10:22"), at("11:25"), at("11:35"), **inherited),
        job(102, 21, "train", at("12:00"), at("12:01"), at("12:31"), conclusion="failure"),
        job(103, 31, "train", at("13:00"), at("13:10"), None),
        job(103, 32, "lint", at("13:00"), at("13:00"), None, status="queued", runner_id=None, steps=[]),
    ]
    states = ((at("10:22"), "waiting"), (at("11:22"), "queued"), (at("11:25"), "in_progress"), (at("11:35"), "success"))
    made, statuses = deployment(101, 14, "production", *states)
    commit = {"timestamp": "2026-02-02T09:00:00+01:00"}
    runs = [
        run(103, at("13:00"), event="workflow_dispatch", status="in_progress", conclusion=None),
        run(102, at("12:00"), event="schedule", conclusion="failure", updated_at=at("12:31")),
        run(101, at("08:05"), run_attempt=2, run_started_at=at("10:00"), updated_at=at("11:35"), head_commit=commit),
    ]
    return History(runs, jobs, [made], statuses)


class Answer(NamedTuple):
    status: int
    body: bytes = b"{}"
    headers: dict[str, str] = {}  # noqa: RUF012 - never changed


class Server(NamedTuple):
    """A running server: where it is, what was asked, and what it answers instead, once for each."""

    base: str
    asked: list[tuple[str, dict[str, str]]]
    instead: dict[str, list[Answer]]
    """By the end of a path."""

    def page(self, path: str, query: dict[str, str], whole: Sequence[Json], field: str | None, size: int) -> Answer:
        """One of the pages of these objects, with the link to the next."""
        number = int(query.get("page", "1"))
        members = list(whole[(number - 1) * size : number * size])
        value = members if field is None else {"total_count": len(whole), field: members}
        links = {}
        if number * size < len(whole):
            rest = "".join(f"&{name}={word}" for name, word in query.items() if name != "page")
            links["Link"] = f'<{self.base}{path}?page={number + 1}{rest}>; rel="next", <x>; rel="last"'
        return Answer(200, json.dumps(value).encode(), links)


@contextmanager
def answering(answer: Callable[[Server, str, dict[str, str]], Answer]) -> Generator[Server, None, None]:
    """Serve on this machine what a function answers to a path and its query."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1  # headers and body leave together: apart, each answer takes 40 ms

        def do_GET(self) -> None:
            url = urlsplit(self.path)
            query = {name: values[0] for name, values in parse_qs(url.query).items()}
            server.asked.append((url.path, dict(self.headers)))
            planned = next((answers for end, answers in server.instead.items() if url.path.endswith(end)), [])
            self._send(planned.pop(0) if planned else answer(server, url.path, query))

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", "0")))
            self.do_GET()

        def _send(self, sent: Answer) -> None:
            self.send_response(sent.status)
            for name, value in {"Content-Length": str(len(sent.body)), **sent.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(sent.body)
            self.wfile.flush()
            self.close_connection = int(sent.headers.get("Content-Length", len(sent.body))) != len(sent.body)

        def log_message(self, *_: Any) -> None:
            pass

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server = Server(f"http://127.0.0.1:{http.server_address[1]}", [], {})
    thread = threading.Thread(target=http.serve_forever, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        http.shutdown()
        http.server_close()
        thread.join()


@contextmanager
def serving(history: History, size: int = 2) -> Generator[Server, None, None]:
    """Serve a history as GitHub's API does, with a few objects on a page."""

    def answer(server: Server, path: str, query: dict[str, str]) -> Answer:
        parts = path.removeprefix(f"/repos/{REPO}/").split("/")
        if parts == ["actions", "runs"]:
            return server.page(path, query, history.runs, "workflow_runs", size)
        if parts[:2] == ["actions", "runs"] and parts[3:] == ["jobs"]:
            assert query.get("filter", "all") == "all"
            return server.page(
                path, query, [one for one in history.jobs if str(one["run_id"]) == parts[2]], "jobs", size
            )
        if parts == ["deployments"]:
            return server.page(
                path, query, [one for one in history.deployments if one["sha"] == query["sha"]], None, size
            )
        if parts[:1] == ["deployments"] and parts[2:] == ["statuses"]:
            of = [one for one in history.statuses if one["deployment_url"].endswith(f"/deployments/{parts[1]}")]
            return server.page(path, query, of, None, size)
        if parts[:1] == ["commits"] and parts[2:] == ["pulls"]:
            pulls = [{"number": 7}] if int(parts[1], 16) == 101 else []
            return server.page(path, query, pulls, None, size)
        if parts == ["pulls", "7", "commits"]:
            dates = ("2026-02-01T10:00:00Z", "2026-01-30T08:00:00+01:00", "unknown")
            return server.page(path, query, [{"commit": {"author": {"date": date}}} for date in dates], None, size)
        return Answer(404, b'{"message": "Not Found"}')

    with answering(answer) as server:
        yield server
