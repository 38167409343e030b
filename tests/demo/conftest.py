"""One run of the demo that several tests look at."""

from __future__ import annotations

import subprocess

import pytest
from tests.demo.helpers import CYCLETRACE, PAGE, Demo, facts_of, quiet_environment

from cycletrace._internal.demo import log


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    """``cycletrace demo --yes --cycles 3``."""
    root = tmp_path_factory.mktemp("somebody") / "demo"
    done = subprocess.run(
        [*CYCLETRACE, "demo", "--yes", "--cycles", "3", "--dir", str(root), "--html", str(root.with_name(PAGE))],
        env=quiet_environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=840,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return Demo(root, done.stdout, facts_of(root), log.read(root / "demo-log.jsonl"))
