"""Test: run the suite in ``model_tests.py`` against the selected model."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from cycletrace import stage
from cycletrace._internal.demo.log import logged

PYTEST = (sys.executable, "-m", "pytest", "-q", "--tb=line", "-p", "no:cacheprovider", "-c", os.devnull, "--rootdir=.")


@stage
@logged
def test() -> None:
    """Run pytest and exit with its code, so that a failing test gives the stage the outcome ``error``."""
    suite = Path(__file__).with_name("model_tests.py")
    plain = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTEST_ADDOPTS": ""}
    sys.exit(subprocess.call([*PYTEST, str(suite)], env=plain))  # noqa: S603 - our own suite


if __name__ == "__main__":
    test()
