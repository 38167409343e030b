"""Jaeger with nothing of ours between: what a user of the SDK alone sees there."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from tests.backends import pipeline
from tests.backends.jaeger import Jaeger, Tree
from tests.backends.programs import eventually
from tests.journals import Journal, environment

from cycletrace import conventions as c

pytestmark = pytest.mark.backends

PROTOCOLS = ("grpc", "http/protobuf")
PARENTS = {
    "data": "",
    "train": "",
    "wait compute": "train",
    "fold": "train",
    "evaluate": "",
    "select": "",
    "deploy": "",
    "smoke": "deploy",
    "activate": "",
}
SPANS = 11
"""Those, where ``fold`` and ``evaluate`` ran twice."""


class Cycle:
    """A cycle that was taken through its three processes with Jaeger as the only endpoint."""

    def __init__(self, jaeger: Jaeger, protocol: str, directory: Path) -> None:
        self.model = f"churn-{protocol.partition('/')[0]}"
        self.key = f"{self.model}@7"
        self.id = c.cycle_id("", self.key)
        self.began = time.time_ns() - 15 * pipeline.DAY
        self.env = environment(
            directory,
            OTEL_EXPORTER_OTLP_ENDPOINT=jaeger.grpc if protocol == "grpc" else jaeger.http,
            OTEL_EXPORTER_OTLP_PROTOCOL=protocol,
        )
        self.printed = [
            self._run(pipeline.__file__, phase, self.model, "7") for phase in ("train", "evaluate", "deploy")
        ]
        self.ended = time.time_ns() + pipeline.DAY
        self.spans = jaeger.whole_trace(self.id, SPANS)

    def command(self, *arguments: str, **variables: str) -> str:
        """What a command of ours prints."""
        return self._run("-m", "cycletrace", *arguments, **variables)

    def _run(self, *arguments: str, **variables: str) -> str:
        done = subprocess.run(
            [sys.executable, *arguments],
            env={**self.env, **variables},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert (done.returncode, done.stderr) == (0, "")
        return done.stdout


@pytest.fixture(scope="module", params=PROTOCOLS)
def cycle(request: pytest.FixtureRequest, jaeger: Jaeger, tmp_path_factory: pytest.TempPathFactory) -> Cycle:
    return Cycle(jaeger, request.param, tmp_path_factory.mktemp("state"))


def test_all_of_three_processes_and_two_weeks_is_one_trace_under_the_id_made_from_the_key(cycle: Cycle) -> None:
    assert len(cycle.spans) == SPANS
    assert {span.trace_id for span in cycle.spans} == {cycle.id}
    assert 13 * pipeline.DAY < cycle.spans[-1].start - cycle.spans[0].start < 15 * pipeline.DAY


def test_parents_are_right_over_processes(cycle: Cycle) -> None:
    tree = Tree(cycle.spans)
    assert tree.parent_names() == PARENTS
    assert tree.missing_parents(c.root_span_id(cycle.id)) == []
    assert tree.repeated_ids() == []


def test_errors_are_errors_and_nothing_else_is(cycle: Cycle) -> None:
    broken = [span for span in cycle.spans if span.is_error]
    assert [(span.name, span.attributes[c.STAGE_OUTCOME], span.attributes[c.ERROR_TYPE]) for span in broken] == [
        ("evaluate", c.ERROR, "ValueError")
    ]


def test_the_service_is_the_model_and_a_search_by_it_finds_the_whole_trace(cycle: Cycle, jaeger: Jaeger) -> None:
    assert {span.service for span in cycle.spans} == {cycle.model}
    assert cycle.model in jaeger.services()
    assert jaeger.search(cycle.model, cycle.began, cycle.ended) == cycle.spans


def test_a_search_by_operation_finds_it(cycle: Cycle, jaeger: Jaeger) -> None:
    found = jaeger.search(cycle.model, cycle.began, cycle.ended, operation="smoke")
    assert {span.trace_id for span in found} == {cycle.id}
    assert jaeger.search(cycle.model, cycle.began, cycle.ended, operation="nothing of that name") == []


def test_a_search_by_tag_finds_it(cycle: Cycle, jaeger: Jaeger) -> None:
    def search(**tags: str) -> set[str]:
        return jaeger.search_tag(cycle.model, cycle.began, cycle.ended, **tags)

    assert search(cycletrace_cycle_key=cycle.key) == {cycle.id}
    assert search(cycletrace_stage_kind="select", cycletrace_actor_type="human") == {cycle.id}
    assert search(cycletrace_cycle_key="another@7") == set()


def test_the_link_that_open_status_and_report_show_leads_to_the_trace(cycle: Cycle, jaeger: Jaeger) -> None:
    link = cycle.command("open", cycle.key, CYCLETRACE_JAEGER_URL=jaeger.url).strip()
    base, _, trace_id = link.rpartition("/trace/")
    assert base == jaeger.url
    assert len(jaeger.trace(trace_id)) == SPANS
    while_open = datetime.fromtimestamp(cycle.ended / 1e9, tz=timezone.utc) - timedelta(days=5)
    for words in (["status", "--at", while_open.isoformat()], ["report", "--cycle", cycle.key]):
        assert link in cycle.command(*words, CYCLETRACE_JAEGER_URL=jaeger.url).split()


def test_what_jaeger_does_not_take_harms_nothing(cycle: Cycle) -> None:
    """It answers logs with 404 or UNIMPLEMENTED: reported once by ``status``, and nothing waits or is lost for it."""

    def delivery() -> dict[str, object] | None:
        delivered: dict[str, object] = json.loads(cycle.command("status", "--json"))["delivery"]
        return delivered if delivered["undelivered_bytes"] == 0 else None

    delivered = eventually(delivery, "all is delivered")
    assert list(delivered["unsupported"]) == ["logs"]  # type: ignore[call-overload]  # a mapping
    assert (delivered["problems"], delivered["rejected_records"], delivered["dropped_records"]) == ({}, 0, 0)
    assert cycle.printed == ["", "", ""]


ALONE = """
import cycletrace as ct
{around}:
    with ct.stage("train"), ct.waiting("data"):
        pass
    with ct.stage("deploy"):
        pass
    ct.mark("in_use")
"""


@pytest.mark.parametrize("around", ["if True", "with ct.cycle('alone', '7')"])
def test_a_program_alone_sends_a_whole_tree(around: str, jaeger: Jaeger, tmp_path: Path) -> None:
    """Its implicit cycle has a root, and a named one if the SDK is to send it. Jaeger has nothing to note."""
    env = environment(tmp_path, OTEL_EXPORTER_OTLP_ENDPOINT=jaeger.http, CYCLETRACE_ROOT="sdk")
    subprocess.run([sys.executable, "-c", ALONE.format(around=around)], env=env, check=True, timeout=60)
    subprocess.run([sys.executable, "-m", "cycletrace", "flush"], env=env, check=True, timeout=60)
    (root,) = Journal(tmp_path).roots()
    spans = jaeger.whole_trace(root["trace_id"], 5)
    (top,) = [span for span in spans if not span.parent]
    assert (top.span_id, top.name) == (root["span_id"], root["span"])
    assert Tree(spans).missing_parents() == []
    assert not any(jaeger.notes(root["trace_id"]).values())
