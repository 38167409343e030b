"""Runs of GitHub Actions from its REST API, the newest first. What was imported before costs no request of its own."""

from __future__ import annotations

from collections.abc import Iterator

from cycletrace._internal.importers.found import Found, Item
from cycletrace._internal.importers.github import (
    Deployment,
    deployments_by_job,
    first_commit,
    is_of_idea,
    is_wanted,
    read_run,
    version_of,
)
from cycletrace._internal.importers.jobs import Choices, Json, is_before
from cycletrace._internal.importers.seen import Seen
from cycletrace._internal.importers.web import Api, Get, pages

BASE = "https://api.github.com"
"""The API of github.com. That of an own server ends in ``/api/v3``."""


def api_of(base: str, token: str) -> Api:
    """Return GitHub's API, for whoever has this token; without one, as a stranger."""
    headers = {"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": "2022-11-28"}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    return Api(
        base.rstrip("/"),
        headers,
        {
            401: "GITHUB_TOKEN is wrong or has expired: set it to a valid token.",
            403: "GITHUB_TOKEN may not read this: it needs read access to Actions and Deployments, and with "
            "--first-commit to Pull requests and Contents.",
            404: "Check the name of the repository, and whether GITHUB_TOKEN may read it.",
        },
    )


def read(get: Get, repository: str, choices: Choices, seen: Seen) -> Iterator[Found]:
    """Yield the runs of a repository that were not imported before as they are.

    Raises:
        SourceError: if the API cannot be read any further.
    """
    root = f"repos/{repository}"
    for run in pages(get, f"{root}/actions/runs", "workflow_runs"):
        if is_before(run, choices.since):
            return  # the newest come first
        if not is_wanted(run, choices):
            continue
        number, version = str(run.get("id")), version_of(run, choices)
        if version is not None and seen.get(number) == version:
            yield Item(f"run {number}", number, (), version)
            continue
        jobs = list(pages(get, f"{root}/actions/runs/{number}/jobs", "jobs", filter="all"))
        deployments = _deployments(get, root, str(run.get("head_sha")))
        begun = _begun(get, root, run) if choices.first_commit and is_of_idea(run) else None
        for found in read_run(run, jobs, deployments, choices, begun):
            yield found._replace(version=version) if isinstance(found, Item) else found


def _deployments(get: Get, root: str, sha: str) -> dict[str, Deployment]:
    """Return the deployments of a commit, by number of the job that made each."""
    deployments = list(pages(get, f"{root}/deployments", None, sha=sha))
    statuses: list[Json] = []
    for deployment in deployments:
        statuses += pages(get, f"{root}/deployments/{deployment.get('id')}/statuses", None)
    return deployments_by_job(deployments, statuses)


def _begun(get: Get, root: str, run: Json) -> int | None:
    """Return when the first commit was written of the pull requests that a run, or its commit, belongs to."""
    of_run = run.get("pull_requests")
    requests = of_run if isinstance(of_run, list) else []
    requests = requests or list(pages(get, f"{root}/commits/{run.get('head_sha')}/pulls", None))
    numbers = [request.get("number") for request in requests if isinstance(request, dict)]
    firsts = (first_commit(pages(get, f"{root}/pulls/{number}/commits", None)) for number in numbers)
    return min((at for at in firsts if at is not None), default=None)
