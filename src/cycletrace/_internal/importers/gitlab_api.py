"""Pipelines of GitLab CI from its REST API, the newest first. What was imported before costs no request of its own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from urllib.parse import quote

from cycletrace._internal.importers.found import Found, Item
from cycletrace._internal.importers.gitlab import Deployment, deployments_by_job, read_pipeline, version_of
from cycletrace._internal.importers.jobs import Choices, is_before
from cycletrace._internal.importers.seen import Seen
from cycletrace._internal.importers.web import Api, Get, pages

BASE = "https://gitlab.com/api/v4"


def api_of(base: str, token: str) -> Api:
    """Return GitLab's API, for whoever has this token; without one, as a stranger."""
    return Api(
        base.rstrip("/"),
        {"PRIVATE-TOKEN": token} if token else {},
        {
            401: "GITLAB_TOKEN is wrong or has expired: set it to a valid token.",
            403: "GITLAB_TOKEN may not read this: it needs the scope read_api, and the role Reporter.",
            404: "Check the path of the project, and whether GITLAB_TOKEN may read it.",
        },
    )


def read(get: Get, project: str, choices: Choices, seen: Seen) -> Iterator[Found]:
    """Yield the pipelines of a project that were not imported before as they are.

    Raises:
        SourceError: if the API cannot be read any further.
    """
    root = f"projects/{quote(project, safe='')}"
    deployments: Mapping[str, Deployment] | None = None
    for pipeline in pages(get, f"{root}/pipelines", None):
        if is_before(pipeline, choices.since):
            return  # the newest come first
        if choices.branch not in (None, pipeline.get("ref")):
            continue
        number, version = str(pipeline.get("id")), version_of(pipeline)
        if version is not None and seen.get(number) == version:
            yield Item(f"pipeline {number}", number, (), version)
            continue
        if deployments is None:
            deployments = deployments_by_job(pages(get, f"{root}/deployments", None, sort="desc"))
        jobs = list(pages(get, f"{root}/pipelines/{number}/jobs", None, include_retried="true"))
        for found in read_pipeline(pipeline, jobs, deployments, choices):
            yield found._replace(version=version) if isinstance(found, Item) else found
