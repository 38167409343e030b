"""Spans of other programs, in OTLP's JSON, with the attributes that their documentation or source names."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

START = 1_767_600_000_000_000_000
MINUTE = 60 * 10**9
REVISION = "2fe3ff8ff80a45f9cbd8bcc14c774a1d3ac588e4"


def key_values(attributes: Mapping[str, object]) -> list[dict[str, Any]]:
    def value(of: object) -> dict[str, Any]:
        if isinstance(of, bool):
            return {"boolValue": of}
        if isinstance(of, int):
            return {"intValue": str(of)}
        return {"doubleValue": of} if isinstance(of, float) else {"stringValue": of}

    return [{"key": key, "value": value(of)} for key, of in attributes.items()]


def span(
    name: str,
    attributes: Mapping[str, object],
    number: int = 1,
    *,
    parent: int | None = None,
    start: int = 0,
    end: int = 10,
    status: int = 0,
) -> dict[str, Any]:
    """A span of one trace, by its number, from one minute to another."""
    made = {
        "traceId": "5b8efff798038103d269b633813fc60c",
        "spanId": f"{number:016x}",
        "name": name,
        "kind": 2,
        "startTimeUnixNano": str(START + start * MINUTE),
        "endTimeUnixNano": str(START + end * MINUTE),
        "attributes": key_values(attributes),
        "status": {"code": status} if status else {},
    }
    return made if parent is None else {**made, "parentSpanId": f"{parent:016x}"}


def request(*spans: dict[str, Any], resource: Mapping[str, object] | None = None) -> bytes:
    """One export request with these spans of one resource."""
    scopes = [{"scope": {"name": "somebody"}, "spans": list(spans)}]
    return json.dumps(
        {"resourceSpans": [{"resource": {"attributes": key_values(resource or {})}, "scopeSpans": scopes}]}
    ).encode()


VCS = {
    "vcs.repository.name": "churn",
    "vcs.repository.url.full": "https://github.com/octo/churn",
    "vcs.ref.head.name": "main",
    "vcs.ref.head.revision": REVISION,
}


def task(name: str, result: str, number: int = 1, **more: Any) -> dict[str, Any]:
    """A span of a task, as the semantic conventions have it."""
    attributes = {
        "cicd.pipeline.task.name": name,
        "cicd.pipeline.task.run.id": str(12_096 + number),
        "cicd.pipeline.task.run.result": result,
        "cicd.pipeline.task.run.url.full": f"https://ci.example/run/7/job/{number}",
    }
    return span(name, attributes, number, **more)


PIPELINE = {"service.name": "ci", "cicd.pipeline.name": "Build and Test", "cicd.pipeline.run.id": "120912", **VCS}
"""A resource of a pipeline run, as the semantic conventions have it."""


def circleci(kind: str, name: str, number: int, **more: Any) -> dict[str, Any]:
    """A span of a job of CircleCI: all attributes are the span's own."""
    attributes = {
        "cicd.pipeline.action.name": "RUN",
        "cicd.pipeline.name": "build-and-test",
        "cicd.pipeline.result": "success",
        "cicd.pipeline.run.id": "ff87d6e9-6f8c-40d8-aa37-4be96218709f",
        "cicd.pipeline.task.name": name,
        "cicd.pipeline.task.run.id": f"cbf6a4ea-a078-4d72-8641-{number:012d}",
        "cicd.pipeline.task.run.result": "success",
        "cicd.pipeline.task.type": kind,
        "com.circleci.job.name": name,
        "com.circleci.job.type": kind,
        **VCS,
    }
    return span(f"Job: {name}", attributes, number, **more)


def github(job: str, status: Mapping[str, object]) -> dict[str, object]:
    """The resource of a job, as OpenTelemetry's githubreceiver has it: the pipeline's name is that of the job."""
    return {
        "service.name": "churn",
        "vcs.repository.name": "churn",
        "vcs.provider.name": "github",
        "vcs.ref.head": "main",
        "vcs.ref.type": "branch",
        "vcs.ref.head.revision": REVISION,
        "cicd.pipeline.worker.id": 346,
        "cicd.pipeline.worker.name": "GitHub Actions 320",
        "cicd.pipeline.name": job,
        "cicd.pipeline.task.run.sender.login": "octocat",
        "cicd.pipeline.task.run.id": 26_920_038_674,
        **status,
    }


def airflow(task_id: str, state: str, number: int = 1, tries: int = 1, **more: Any) -> dict[str, Any]:
    """A span of a try of a task of Airflow."""
    attributes = {
        "airflow.dag_id": "churn",
        "airflow.task_id": task_id,
        "airflow.dag_run.run_id": "scheduled__2026-01-05T08:00:00+00:00",
        "airflow.task_instance.try_number": tries,
        "airflow.task_instance.map_index": -1,
        "airflow.task_instance.state": state,
        "airflow.task_instance.id": "0198b6ad-2f0c-7c3e-b7a5-0f5f3c6f6a2e",
    }
    return span(f"task_run.{task_id}", attributes, number, status=1 if state == "success" else 2, **more)
