"""The settings of a store: one for all who read it."""

from __future__ import annotations

import json

import pytest
from tests.cli.commands import Shell

from cycletrace._internal.flow import CycleTarget, Targets
from cycletrace._internal.flow.targets import parse_target, target_text


def ok(shell: Shell, *arguments: str) -> str:
    result = shell.run(*arguments)
    assert result.code == 0, result.err
    return result.out


def deployed(shell: Shell, key: str, environment: str) -> None:
    ok(shell, "run", "--stage", "deploy", "--cycle", key, "--environment", environment, "--", "true")


def settings(shell: Shell, *options: str) -> dict[str, object]:
    shown: dict[str, object] = json.loads(ok(shell, "store", "settings", "--json", *options))
    return shown


def test_names_of_production_are_kept_in_the_store_and_change_its_facts(shell: Shell) -> None:
    deployed(shell, "churn@1", "prod-eu")
    assert shell.facts()[0]["marks"]["deployed"] is None
    assert settings(shell, "--production", "prod*, Live")["production"] == ["live", "prod*"]
    assert shell.facts()[0]["marks"]["deployed"] is not None
    assert "does not count" not in ok(shell, "served", "churn", "1", "--environment", "prod-us")
    assert settings(shell)["production"] == ["live", "prod*"]


def test_the_environment_overrides_the_store(shell: Shell) -> None:
    deployed(shell, "churn@1", "prod-eu")
    settings(shell, "--production", "prod*")
    facts = json.loads(shell.run("facts", CYCLETRACE_PRODUCTION="live").out)
    assert facts["marks"]["deployed"] is None


def test_tolerance_and_settle_period_are_kept_in_the_store(shell: Shell) -> None:
    shown = settings(shell, "--tolerance", "5m", "--settle", "1d")
    assert (shown["tolerance_seconds"], shown["settle_seconds"]) == (300, 86400)
    ok(shell, "mark", "in_use", "--cycle", "m@1", "--at", "2026-01-05T10:00:00Z")
    ok(shell, "mark", "deployed", "--cycle", "m@1", "--at", "2026-01-05T10:04:00Z")
    assert shell.facts()[0]["flags"] == {"skewed": 1}  # two hosts whose clocks differ by four minutes


def test_a_target_of_the_closest_scope_is_used_by_the_report(shell: Shell) -> None:
    deployed(shell, "churn@1", "prod")
    options = ("--target", "cycle:3d", "--target", "ads/=cycle:2d", "--target", "churn=cycle:1d")
    assert settings(shell, *options)["targets"] == {"": "cycle:3d", "ads/": "cycle:2d", "churn": "cycle:1d"}

    def target(*selection: str) -> object:
        return json.loads(ok(shell, "report", "--json", *selection))["target"]

    assert target() == {"part": "cycle", "within_ns": 3 * 86400 * 10**9}
    assert target("--model", "churn") == {"part": "cycle", "within_ns": 86400 * 10**9}
    assert target("--target", "training:1h") == {"part": "training", "within_ns": 3600 * 10**9}
    assert settings(shell, "--target", "churn=")["targets"] == {"": "cycle:3d", "ads/": "cycle:2d"}


def test_a_target_that_is_none_is_refused(shell: Shell) -> None:
    done = shell.run("store", "settings", "--target", "churn=soon")
    assert done.code == 2
    assert "not a target" in done.err


@pytest.mark.parametrize(
    ("namespace", "model", "expected"),
    [
        (None, None, "cycle:4d"),
        ("ads", None, "cycle:3d"),
        ("ads", "churn", "cycle:1d"),
        ("crm", "churn", "cycle:2d"),
        ("crm", "risk", "cycle:4d"),
    ],
)
def test_the_closest_target_counts(namespace: str | None, model: str | None, expected: str) -> None:
    others = {("ads", None): "cycle:3d", (None, "churn"): "cycle:2d", ("ads", "churn"): "cycle:1d"}
    targets = Targets(parse_target("cycle:4d"), {scope: parse_target(text) for scope, text in others.items()})
    assert target_text(targets.of(namespace, model)) == expected


@pytest.mark.parametrize("text", ["deployment:15m", "cycle:1w", "training:1d", "selection:90s", "cycle:1.500000000s"])
def test_a_target_is_written_as_it_is_read(text: str) -> None:
    target = parse_target(text)
    assert target_text(target) == text
    assert isinstance(target, CycleTarget)
