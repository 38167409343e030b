"""Jaeger behind the collector: what it derives arrives once, fits in, and says what the facts say."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from tests.backends import pipeline
from tests.backends.collector import Collector
from tests.backends.critical_path import critical_path
from tests.backends.jaeger import Jaeger, Span, Tree
from tests.backends.programs import eventually, get_json, running
from tests.journals import environment

from cycletrace import conventions as c

pytestmark = pytest.mark.backends

STAGES = {
    "data": "cycle",
    "train": "cycle",
    "wait compute": "train",
    "fold": "train",
    "evaluate": "cycle",
    "select": "cycle",
    "approve": "cycle",
    "wait human": "approve",
    "deploy": "cycle",
    "smoke": "deploy",
    "activate": "cycle",
    "begin approve": "cycle",
    "begin human": "approve",
}
SPANS = 16
"""Those, where ``fold`` and ``evaluate`` ran twice, and the root."""


class Sender:
    """Takes a cycle of a model into use: three processes, and an approval said from a shell."""

    def __init__(self, model: str, endpoint: str, directory: Path) -> None:
        self.model, self.key = model, f"{model}@7"
        self.id = c.cycle_id("", self.key)
        self.directory = directory
        self._endpoint = endpoint

    def send(self) -> None:
        """The cycle, from its data into use."""
        for phase in ("train", "evaluate"):
            self._run(pipeline.__file__, phase, self.model, "7")
        asked = datetime.now(timezone.utc) - timedelta(days=1)
        for minutes, words in ((0, "stage begin"), (5, "wait begin human --stage"), (65, "stage end")):
            at = (asked + timedelta(minutes=minutes)).isoformat()
            self.command(*words.split(), "approve", "--at", at, "--cycle", self.key)
        self._run(pipeline.__file__, "deploy", self.model, "7")
        self.flush()

    def send_again(self) -> None:
        """All of it once more, as after an answer that was lost."""
        (self.directory / "delivery.json").unlink()
        delivered = list((self.directory / "journal" / "delivered").glob("*.jsonl"))
        assert delivered
        for path in delivered:
            path.rename(self.directory / "journal" / path.name)
        self.flush()

    def flush(self) -> None:
        self.command("flush")

    def command(self, *arguments: str) -> None:
        self._run("-m", "cycletrace", *arguments)

    def _run(self, *arguments: str) -> None:
        done = subprocess.run(
            [sys.executable, *arguments],
            env=environment(self.directory, OTEL_EXPORTER_OTLP_ENDPOINT=self._endpoint),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert done.returncode == 0, done.stderr


@contextmanager
def collecting(folder: Path, jaeger: Jaeger, grace: str) -> Iterator[Collector]:
    target = jaeger.grpc.replace("http://", "grpc://")
    collector = Collector(folder, "--forward", f"traces={target}", "--grace", grace)
    with running(collector.program):
        yield collector


def wait_for_root(jaeger: Jaeger, sender: Sender) -> None:
    """Wait for the root without reading the trace: Jaeger would note what is missing till then."""

    def look() -> bool:
        answer = get_json(f"{jaeger.url}/api/v3/operations?service={quote(sender.model)}") or {}
        return c.cycle_span(sender.key) in {operation["name"] for operation in answer.get("operations", [])}

    eventually(look, f"the root of {sender.key}")


@pytest.fixture(scope="module")
def exported(jaeger: Jaeger, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Sender, dict[str, Any]]]:
    """A closed cycle that Jaeger got through a collector, with its facts."""
    folder = tmp_path_factory.mktemp("exported")
    with collecting(folder, jaeger, "2s") as collector:
        sender = Sender("plain", collector.http, folder / "state")
        sender.send()
        wait_for_root(jaeger, sender)
        time.sleep(1)  # whatever comes twice would be there by now
        (facts,) = collector.facts()
        yield sender, facts


def test_the_cycle_is_one_whole_tree_that_jaeger_has_nothing_to_say_against(
    exported: tuple[Sender, dict[str, Any]], jaeger: Jaeger
) -> None:
    sender, _ = exported
    assert not any(jaeger.notes(sender.id).values())
    tree = Tree(jaeger.trace(sender.id))
    assert len(tree.spans) == SPANS
    root = c.cycle_span(sender.key)
    parents = {name: "cycle" if parent == root else parent for name, parent in tree.parent_names().items()}
    assert parents == {**STAGES, root: ""}
    assert tree.missing_parents() == []
    assert tree.repeated_ids() == []


def test_the_root_lasts_as_long_as_the_cycle_and_has_its_figures(
    exported: tuple[Sender, dict[str, Any]], jaeger: Jaeger
) -> None:
    sender, facts = exported
    root = root_of(jaeger.trace(sender.id))
    assert root.end - root.start == facts["cycle_time_ns"] + c.SHORT_NS
    assert_figures(root, facts)


def test_the_completion_is_a_short_trace_of_its_own_dated_now_and_linked_to_the_root(
    exported: tuple[Sender, dict[str, Any]], jaeger: Jaeger
) -> None:
    sender, facts = exported
    (complete,) = jaeger.whole_trace(c.complete_trace_id(sender.id), 1)
    assert (complete.name, complete.service) == (c.COMPLETE_SPAN, "cycletrace")
    assert complete.links == ((sender.id, c.root_span_id(sender.id)),)
    assert time.time_ns() - complete.end < 120 * 10**9
    assert_figures(complete, facts)
    assert not any(jaeger.notes(complete.trace_id).values())


def test_the_critical_path_covers_what_the_owners_cover(
    exported: tuple[Sender, dict[str, Any]], jaeger: Jaeger
) -> None:
    sender, facts = exported
    spans = jaeger.trace(sender.id)
    by_path: Counter[str] = Counter()
    for section in critical_path(spans):
        by_path[section.span.name] += section.end - section.start
    by_owner: Counter[str] = Counter()
    for owner in facts["owners"]:
        by_owner[name_of(owner, sender.key)] += (owner["end"] - owner["start"]) // 1000
    assert by_path.keys() == by_owner.keys()
    for name, length in by_owner.items():
        # Derived waits lie a microsecond inside their bounds, and Jaeger cuts each instant to a microsecond.
        assert abs(by_path[name] - length) <= 4 * len(spans), name


@pytest.mark.parametrize("moment", ["before the grace is over", "while Jaeger hangs"])
def test_a_collector_killed_before_its_export_exports_once(moment: str, jaeger: Jaeger, tmp_path: Path) -> None:
    with collecting(tmp_path, jaeger, "4s") as collector:
        sender = Sender(f"killed-{'early' if 'before' in moment else 'late'}", collector.http, tmp_path / "state")
        sender.send()
        if moment == "while Jaeger hangs":
            jaeger.program.send(signal.SIGSTOP)
            eventually(lambda: collector.facts("--as-observed"), "the cycle is exported")
        collector.program.kill()
        jaeger.program.send(signal.SIGCONT)
        collector.program.start()
        wait_for_root(jaeger, sender)
        time.sleep(1)
        assert_whole(jaeger, sender)


def test_jaeger_notes_nothing_on_marks(jaeger: Jaeger, tmp_path: Path) -> None:
    """They have a length, of a microsecond, and lie within the root: also the one that ends the cycle."""
    with collecting(tmp_path, jaeger, "1s") as collector:
        sender = Sender("marked", collector.http, tmp_path / "state")
        sender.command("run", "--stage", "train", "--cycle", sender.key, "--", "true")
        sender.command("mark", "selected", "--cycle", sender.key)
        sender.command("mark", "in_use", "--cycle", sender.key)
        sender.flush()
        wait_for_root(jaeger, sender)
        notes = jaeger.notes(sender.id)
    assert notes.keys() >= {"train", "mark selected", "mark in_use", c.cycle_span(sender.key)}
    assert not any(notes.values())


def test_what_comes_twice_is_there_once(jaeger: Jaeger, tmp_path: Path) -> None:
    with collecting(tmp_path, jaeger, "2s") as collector:
        sender = Sender("twice", collector.http, tmp_path / "state")
        sender.send()
        wait_for_root(jaeger, sender)
        before = collector.facts()
        sender.send_again()
        time.sleep(4)
        assert_whole(jaeger, sender)
        assert collector.facts() == before


def assert_whole(jaeger: Jaeger, sender: Sender) -> None:
    """Every span of the cycle, the root and the completion included, is there exactly once."""
    tree = Tree(jaeger.trace(sender.id))
    assert (len(tree.spans), tree.repeated_ids(), tree.missing_parents()) == (SPANS, [], [])
    assert len(jaeger.trace(c.complete_trace_id(sender.id))) == 1


def assert_figures(span: Span, facts: dict[str, Any]) -> None:
    """A derived span says what the facts say, in seconds."""
    said = span.attributes
    assert said[c.CYCLE_OUTCOME] == facts["outcome"] == c.IN_USE
    assert said[c.CYCLE_DURATION] == facts["cycle_time_ns"] / 1e9
    assert {part: said.get(c.part_attribute(part)) for part in c.PARTS} == {
        part: None if length is None else length / 1e9 for part, length in facts["parts_ns"].items()
    }
    assert {name: said[c.activity_attribute(name)] for name in c.ACTIVITIES} == {
        name: length / 1e9 for name, length in facts["activity_ns"].items()
    }
    assert said[c.DERIVED] is True


def root_of(spans: list[Span]) -> Span:
    (root,) = [span for span in spans if not span.parent]
    return root


def name_of(owner: dict[str, Any], key: str) -> str:
    """The span that stands for an owner."""
    if owner["activity"] == c.UNEXPLAINED:
        return c.cycle_span(key)
    if owner["activity"].startswith("wait."):
        return c.wait_span(owner["activity"].removeprefix("wait."))
    return str(owner["stage"])
