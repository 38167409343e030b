"""``cycletrace import mlflow``, with MLflow's own client and stores."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from tests.cli.commands import Result, Shell
from tests.importers.histories import Answer, answering
from tests.importers.told import EIGHT, MINUTE, parted, told
from tests.integrations.mlflow_history import PARENT, Store, tracking_server

from cycletrace import conventions as c
from cycletrace._internal.flow import Record, Stage
from cycletrace._internal.importers import mlflow, mlflow_client
from cycletrace._internal.importers.found import SourceError
from cycletrace._internal.importers.jobs import Choices
from cycletrace._internal.kinds import kind_of

pytestmark = [pytest.mark.integrations, pytest.mark.timeout(600)]

CHOICES = Choices("", EIGHT + 86_400 * 10**9, mlflow.KEY)
AT = ("--at", "2026-02-02T12:00:00Z")
LIVE = """
import cycletrace
import mlflow
mlflow.set_tracking_uri("sqlite:///mlflow.db")
with cycletrace.stage("train"), mlflow.start_run():
    pass
"""


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path)


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    return Shell(tmp_path)


def imported(shell: Shell, *arguments: str) -> Result:
    return shell.run("import", "mlflow", "sqlite:///mlflow.db", *arguments)


def sweep(store: Store, experiment: str) -> tuple[str, str]:
    """Trials from 8:00 to 9:00, of which the first fails and the second is registered at 9:10: the outer and that."""
    outer = store.run(experiment, "sweep", 0, 60)
    store.run(experiment, "", 5, 25, "FAILED", {PARENT: outer})
    best = store.run(experiment, "", 25, 55, tags={PARENT: outer})
    store.version("churn", best, 70)
    return outer, best


def test_the_figures_are_those_computed_by_hand(store: Store, shell: Shell) -> None:
    """The sweep trains for 60 minutes, within which trials of 20 and 30 run, and 10 minutes later a version is
    registered. An evaluation of 15 minutes, which is nested in the sweep, follows after 20 more.
    """
    experiment = store.experiment("churn")
    outer, best = sweep(store, experiment)
    store.run(experiment, "evaluate", 90, 105, tags={PARENT: outer})
    done = imported(shell)
    assert (done.code, done.err, done.out) == (0, "", "Recorded 1 cycle: 4 stages, 1 mark, 5 aliases.\n")
    (facts,) = shell.facts(*AT)
    assert (facts["key"], facts["model"], facts["cycle_time_ns"]) == (f"churn@{outer}", "churn", 240 * MINUTE)
    assert [(one["name"], one["kind"], one["attempt"], one["outcome"]) for one in facts["stages"]] == [
        ("sweep", "train", 1, "ok"),
        ("churn", "train", 1, "error"),
        ("churn", "train", 1, "ok"),
        ("evaluate", "evaluate", 1, "ok"),
    ]
    assert facts["stages"][2]["id"] == c.job_stage_id(facts["cycle_id"], "mlflow", best, 1)
    assert {one["parent"] for one in facts["stages"][1:]} == {facts["stages"][0]["id"]}
    parts = {name: length / MINUTE for name, length in facts["parts_ns"].items() if length is not None}
    assert parts == {"training": 60, "selection": 10}
    assert facts["activity_ns"]["work.automation"] == (60 + 15) * MINUTE


def test_importing_again_records_only_what_is_new(store: Store, shell: Shell) -> None:
    experiment = store.experiment("churn")
    open_run = store.run(experiment, "train", 0, None)
    imported(shell)
    (begun,) = shell.facts(*AT)
    assert [one["outcome"] for one in begun["stages"]] == [None]
    assert imported(shell).out == "Recorded nothing: 1 imported before are unchanged.\n"
    store.end(open_run, 40)
    assert imported(shell).out == "Recorded 1 cycle: 1 stage, 1 alias.\n"
    (ended,) = shell.facts(*AT)
    assert [(one["outcome"], one["end"] - one["start"]) for one in ended["stages"]] == [("ok", 40 * MINUTE)]
    store.version("churn", open_run, 50)
    imported(shell)
    (registered,) = shell.facts(*AT)
    assert registered["marks"]["selected"] == EIGHT + 50 * MINUTE
    imported(shell, "--again")
    assert shell.facts(*AT) == [registered]


def test_what_was_recorded_live_is_not_counted_again(store: Store, shell: Shell) -> None:
    """A live recording and its import have the key of the run, and the stage only once."""
    done = shell.python(LIVE, CYCLETRACE_CYCLE="churn@7", CYCLETRACE_NAMESPACE="ads")
    assert done.code == 0, done.err
    (before,) = shell.facts()
    again = imported(shell)
    assert (again.code, again.out) == (0, "Recorded 1 cycle: 1 alias.\n")
    (after,) = shell.facts()
    assert (after["key"], after["namespace"], len(after["stages"])) == ("churn@7", "ads", 1)
    assert (after["stages"], after["marks"]) == (before["stages"], before["marks"])


def test_a_tracking_server_gives_the_same_as_its_database(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mlflow_client, "PAGE", 2)
    experiment = store.experiment("churn")
    sweep(store, experiment)
    store.run(experiment, "fit", 100, None, tags={PARENT: "0" * 32})
    whole = found(store)
    with tracking_server(store) as url:
        records, problems = parted(mlflow_client.read(mlflow_client.connect(url), (), CHOICES))
    assert (records, problems) == (whole, [])
    assert len(whole) == 10


def test_deleted_and_scheduled_runs_and_deleted_experiments_are_left_out(store: Store) -> None:
    kept, deleted = store.experiment("churn"), store.experiment("old")
    store.client.delete_run(store.run(kept, "train", 0, 10))
    store.run(deleted, "train", 0, 10)
    store.client.delete_experiment(deleted)
    store.client.update_run(store.run(kept, "train", 0, None), "SCHEDULED")
    store.run(kept, "train", 20, 30, "KILLED")
    assert told(found(store)) == [("train", 20, 30, "cancelled")]


def found(store: Store, *experiments: str, choices: Choices = CHOICES) -> list[Record]:
    records, problems = parted(mlflow_client.read(mlflow_client.connect(store.uri), experiments, choices))
    assert problems == []
    return records


def test_all_pages_are_read_in_the_order_in_which_runs_started(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mlflow_client, "PAGE", 2)
    first, second = store.experiment("churn"), store.experiment("ranking")
    for start in (30, 10, 40, 0, 20):
        store.run(first if start % 20 else second, "fit", start, start + 5)
    assert [row[1] for row in told(found(store))] == [0, 10, 20, 30, 40]
    assert [row[1] for row in told(found(store, "ranking"))] == [0, 20, 40]
    assert [row[1] for row in told(found(store, choices=CHOICES._replace(since=EIGHT + 20 * MINUTE)))] == [20, 30, 40]


def test_nested_runs_stay_with_an_outer_one_that_is_not_read(store: Store) -> None:
    """It is of another experiment, was deleted, maybe for good, or is named in a circle."""
    other, experiment = store.experiment("outer"), store.experiment("churn")
    outer = store.run(other, "sweep", 0, 60)
    store.run(experiment, "fit", 5, 25, tags={PARENT: outer})
    store.run(experiment, "fit", 30, 35, tags={PARENT: "0" * 32})
    circle = store.run(experiment, "fit", 40, 45)
    store.client.set_tag(circle, PARENT, circle)
    keys = [f"outer@{outer}", f"churn@{'0' * 32}", f"churn@{circle}"]
    assert [one.origin.key for one in found(store, "churn") if isinstance(one, Stage)] == keys
    store.client.delete_run(outer)
    assert [one.origin.key for one in found(store) if isinstance(one, Stage)] == keys


def test_a_key_of_the_version_covers_all_runs_that_led_to_it(store: Store) -> None:
    experiment = store.experiment("Default runs")
    sweep(store, experiment)
    store.run(experiment, "never registered", 200, 210)
    records = found(store, choices=CHOICES._replace(key="{model}@{version}"))
    assert {(one.origin.key, one.origin.model) for one in records} == {("churn@1", "churn")}
    assert len(told(records)) == 3


def test_clocks_that_differ_are_a_problem_and_the_rest_is_recorded(store: Store, shell: Shell) -> None:
    experiment = store.experiment("churn")
    back = store.run(experiment, "train", 20, 10)
    store.run(experiment, "train", 30, 40)
    done = imported(shell)
    assert (done.code, done.out) == (1, "Recorded 1 cycle: 1 stage, 1 alias.\n")
    assert done.err == f"cycletrace: run {back}: it ended 600.000 s before it started: these clocks differ\n"


def test_a_folder_is_read_without_being_migrated(tmp_path: Path, shell: Shell) -> None:
    program = "import mlflow\nmlflow.set_tracking_uri('mlruns')\nwith mlflow.start_run(run_name='fit'): pass"
    made = shell.python(program, MLFLOW_ALLOW_FILE_STORE="true")
    assert made.code == 0, made.err
    done = shell.run("import", "mlflow", MLFLOW_TRACKING_URI="mlruns")
    assert (done.code, done.out) == (0, "Recorded 1 cycle: 1 stage, 1 alias.\n"), done.err


@pytest.mark.parametrize(
    ("status", "sentence"),
    [
        (401, "Set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD"),
        (403, "with these credentials"),
        (404, "Check the tracking URI."),
        (429, "Import again later"),
        (500, "Import again later"),
    ],
)
def test_a_server_that_refuses_is_explained(status: int, sentence: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with answering(lambda *_: Answer(status, b"no")) as server:
        client = mlflow_client.connect(server.base)
        with pytest.raises(SourceError, match=rf"^MLflow reports: .*{status}.* {sentence}"):
            list(mlflow_client.read(client, (), CHOICES))


def test_a_server_that_is_down_is_explained(shell: Shell) -> None:
    where = "http://ann:s3cret@127.0.0.1:9"
    done = shell.run("import", "mlflow", where, MLFLOW_HTTP_REQUEST_MAX_RETRIES="1")
    assert (done.code, done.out) == (1, "Recorded nothing.\n")
    assert "Import again later: what was read is kept." in done.err
    assert "s3cret" not in done.err


def test_no_name_that_mlflow_makes_up_has_a_word_that_is_a_kind() -> None:
    make: Callable[[], str] = __import__("mlflow.utils.name_utils", fromlist=["x"])._generate_random_name
    names = {make() for _ in range(2000)}
    assert {kind_of(name, ()) for name in names} == {c.OTHER}
    assert sum(mlflow._is_made_up(name) for name in names) > 0.99 * len(names)
