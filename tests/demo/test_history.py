"""The simulated year: every kind of cycle, and every output says that it is simulated."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from tests.blank import blank_environment

from cycletrace._internal.cli.demo_history import simulate
from cycletrace._internal.flow import facts_of

NOW = 1_780_000_000 * 10**9


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "cycletrace", *arguments],
        cwd=folder,
        env=blank_environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def test_it_has_every_kind_of_end_and_is_the_same_each_time() -> None:
    records = [record for cycle in simulate(NOW) for record in cycle]
    assert records == [record for cycle in simulate(NOW) for record in cycle]
    facts = facts_of(records, NOW)
    outcomes = Counter(one["outcome"] for one in facts)
    assert set(outcomes) == {"in_use", "failed", "abandoned", "superseded", "rolled_back", "open"}
    assert len(facts) == 400
    assert len({one["namespace"] for one in facts}) == 3
    assert {stage["outcome"] for one in facts for stage in one["stages"]} >= {"ok", "error", "lost"}
    assert max(one["marks"]["started"] or 0 for one in facts) <= NOW


def test_every_output_says_that_it_is_simulated(tmp_path: Path) -> None:
    done = run(tmp_path, "demo", "--history", "--dir", "year", "--html", "year.html")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("A simulated year of three teams. Nothing of it was run.\n")
    store = ["--store", str(Path("year", "simulated.db"))]
    outputs = {
        "summary": done.stdout[done.stdout.index("From idea into use") :],
        "page": (tmp_path / "year.html").read_text(encoding="utf-8"),
        **{
            name: run(tmp_path, *name.split(), *store).stdout
            for name in ("report --full", "report --by team", "report --json", "report --markdown", "facts", "status")
        },
    }
    for name, output in outputs.items():
        assert "simulated" in output, name
    (by_team,) = [json.loads(outputs["report --json"])["groups"]["namespaces"]]
    assert {row["name"] for row in by_team["rows"]} == {f"simulated-{team}" for team in ("growth", "risk", "vision")}


def test_json_is_all_that_is_printed(tmp_path: Path) -> None:
    done = run(tmp_path, "demo", "--history", "--json")
    assert json.loads(done.stdout)["counts"]["finished"] > 100
    assert "A simulated year" in done.stderr


@pytest.mark.parametrize("option", [["--collector"], ["--cycles", "3"]])
def test_what_would_run_something_is_refused(tmp_path: Path, option: list[str]) -> None:
    done = run(tmp_path, "demo", "--history", *option)
    assert done.returncode == 2
    assert "--history runs nothing" in done.stderr
    assert list(tmp_path.iterdir()) == []
