"""The recording and alerting rules, by Prometheus' own tool."""

from __future__ import annotations

import subprocess

import pytest
from tests.backends.programs import ROOT, program

pytestmark = pytest.mark.backends


def promtool(*arguments: str) -> str:
    done = subprocess.run(
        [program("promtool"), *arguments], cwd=ROOT / "rules", capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("name", ["recording.yaml", "alerts.yaml"])
def test_rules_are_sound(name: str) -> None:
    assert "SUCCESS" in promtool("check", "rules", "--lint=all", "--lint-fatal", name)


def test_alerts_fire_when_they_should_and_not_before() -> None:
    assert "SUCCESS" in promtool("test", "rules", "tests.yaml")


def test_every_alert_has_a_test() -> None:
    names = {line.split()[-1] for line in (ROOT / "rules" / "alerts.yaml").read_text().splitlines() if "alert:" in line}
    tested = {
        line.split()[-1] for line in (ROOT / "rules" / "tests.yaml").read_text().splitlines() if "alertname:" in line
    }
    assert len(names) == 9
    assert names == tested
