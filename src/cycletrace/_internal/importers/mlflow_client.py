"""Runs and registered versions from an MLflow server, database or folder, read through MLflow's own client."""

# pyright: reportMissingImports=false

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from cycletrace._internal.importers.found import Found, SourceError
from cycletrace._internal.importers.jobs import Choices
from cycletrace._internal.importers.mlflow import Run, Version, names_version, read_run
from cycletrace.integrations._mlflow_keys import TAG

PAGE = 1000
"""Runs that are asked for at once."""
RETRIES = 3
"""How often MLflow makes a request again that fails, unless its own variable says so. With its 7, an import from a
server that is down would stand still for minutes."""
ADVICE = {
    400: "Check the tracking URI. Where mlflow-skinny is installed, databases need the whole: pip install mlflow",
    401: "Set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN, to valid ones.",
    403: "It must be possible to read experiments and registered models with these credentials.",
    404: "Check the tracking URI.",
}
"""By status of an answer: what to do about it."""
_LATER = "Import again later: what was read is kept."


def connect(uri: str) -> Any:
    """Return MLflow's client for a tracking URI.

    Raises:
        SourceError: if MLflow is not installed, or nothing can be there.
    """
    if uri.startswith("sqlite:") and not uri.startswith("sqlite:///"):
        raise SourceError(f"{uri} names no database: write sqlite:///FILE.")
    path = _local_path(uri)
    if path is not None and not path.exists():  # MLflow would make an empty store
        raise SourceError(f"{path} does not exist. Name a tracking server, sqlite:///FILE or a folder such as mlruns.")
    if path is not None and path.is_file() and not uri.startswith("sqlite:"):
        raise SourceError(f"{path} is a file. If it is a database of SQLite, write sqlite:///{path}")
    if path is not None and path.is_dir() and not any(path.glob("*/meta.yaml")):
        raise SourceError(f"{path} holds no runs, perhaps only their artifacts. Name the database: sqlite:///FILE.")
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", str(RETRIES))
    os.environ.setdefault("MLFLOW_ALLOW_FILE_STORE", "true")  # MLflow would have folders only migrated
    try:
        from mlflow import MlflowClient
    except ImportError:
        raise SourceError(
            "MLflow is not installed in this environment. Install it: pip install mlflow, or for a tracking server "
            "pip install mlflow-skinny"
        ) from None
    return _asked(MlflowClient, tracking_uri=uri)


def read(client: Any, experiments: Sequence[str], choices: Choices) -> Iterator[Found]:
    """Yield the runs of these experiments, by default of all, in the order in which they started.

    Raises:
        SourceError: if they cannot be read any further.
    """
    names = {one.experiment_id: one.name for one in _pages(client.search_experiments)}
    wanted = _ids_of(experiments, names)
    runs = _Runs(client, names)
    versions: dict[str, list[Version]] = {}
    for version in _pages(client.search_model_versions):
        if version.run_id and version.status == "READY":
            one = Version(version.creation_timestamp, version.name, str(version.version))
            versions.setdefault(version.run_id, []).append(one)
    first: dict[str, Version] = {}
    if names_version(choices):
        for run_id, made in versions.items():
            outermost = runs.around(run_id)[-1].id
            first[outermost] = min((*made, first.get(outermost, made[0])))
    for run in runs.of(wanted, choices.since):
        around = runs.around(run.id)
        yield from read_run(run, around[1:], sorted(versions.get(run.id, ())), first.get(around[-1].id), choices)


class _Runs:
    """The runs of a store, each asked for once."""

    def __init__(self, client: Any, experiments: Mapping[str, str]) -> None:
        self._client = client
        self._experiments = experiments
        """Names by id."""
        self._known: dict[str, Run] = {}

    def of(self, experiments: Sequence[str], since: int | None) -> Iterator[Run]:
        """Yield those of experiments with these ids that were not deleted, and began from ``since`` (UTC nanoseconds).

        Those that start meanwhile come last, so that no page is shifted.
        """
        for found in _pages(
            self._client.search_runs,
            experiment_ids=list(experiments),
            filter_string="" if since is None else f"attributes.start_time >= {-(-since // 10**6)}",
            max_results=PAGE,
            order_by=["attributes.start_time ASC"],
        ):
            yield self._take(found)

    def around(self, run_id: str) -> tuple[Run, ...]:
        """Return a run and those that it is nested in, from the inside out."""
        run = self._get(run_id, Run(run_id, "", "", "", None, None))
        line = {run_id: run}
        while run.parent and run.parent not in line:  # anybody can set this tag, also in a circle
            run = self._get(run.parent, run._replace(id=run.parent, parent=None, cycle=None))
            line[run.id] = run
        return tuple(line.values())

    def _get(self, run_id: str, otherwise: Run) -> Run:
        """Return a run, or another one if it was deleted for good."""
        if run_id not in self._known:
            try:
                self._take(_asked(self._client.get_run, run_id=run_id))
            except SourceError as error:
                if getattr(error.__cause__, "error_code", None) != "RESOURCE_DOES_NOT_EXIST":
                    raise
                self._known[run_id] = otherwise
        return self._known[run_id]

    def _take(self, found: Any) -> Run:
        info, tags = found.info, found.data.tags
        experiment = self._experiments.get(info.experiment_id, info.experiment_id)
        times = (info.start_time, info.end_time)
        said = (tags.get("mlflow.parentRunId"), tags.get(TAG), tags.get("mlflow.source.type"))
        run = Run(info.run_id, info.run_name or "", experiment, info.status, *times, *said)
        return self._known.setdefault(run.id, run)


def _ids_of(experiments: Sequence[str], names: Mapping[str, str]) -> list[str]:
    """Return the ids of experiments by their names, by default of all.

    Raises:
        SourceError: if there is no such experiment.
    """
    missing = sorted(set(experiments) - set(names.values()))
    if missing:
        known = ", ".join(sorted(names.values())[:10])
        raise SourceError(f"there is no experiment {missing[0]!r}. Among those there are: {known}.")
    return [number for number, name in names.items() if not experiments or name in experiments]


def _pages(method: Callable[..., Any], **arguments: Any) -> Iterator[Any]:
    """Yield what is on all pages."""
    token = None
    while True:
        page = _asked(method, page_token=token, **arguments)
        yield from page
        token = page.token
        if not token:
            return


def _asked(method: Callable[..., Any], **arguments: Any) -> Any:
    """Call something of MLflow.

    Raises:
        SourceError: whatever is wrong there, or in the database or the network below.
    """
    try:
        return method(**arguments)
    except Exception as error:
        raise SourceError(_explained(error)) from error


def _explained(error: Exception) -> str:
    """Return a sentence on an error, and what to do about it. URLs in it lose their passwords."""
    if isinstance(error, ImportError):
        return f"MLflow needs {error.name or error} to read this. Install it: pip install {error.name or 'mlflow'}"
    status_of: Callable[[], int] | None = getattr(error, "get_http_status_code", None)
    text = re.sub(r"//[^/\s@]*@", "//", f"{error}".strip().partition("\n")[0])[:300]
    return f"MLflow reports: {text.rstrip('.')}. {_LATER if status_of is None else ADVICE.get(status_of(), _LATER)}"


def _local_path(uri: str) -> Path | None:
    """Return the file or folder that a tracking URI names, or ``None`` if it names something else."""
    if uri.startswith("sqlite:///"):
        return Path(uri.removeprefix("sqlite:///").partition("?")[0])
    if uri.startswith("file:"):
        return Path(unquote(urlsplit(uri).path))
    return None if "://" in uri or uri.startswith("databricks") else Path(uri)
