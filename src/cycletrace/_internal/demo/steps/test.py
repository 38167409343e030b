"""Test: run the suite in ``model_tests.py`` against the selected model."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from cycletrace import stage
from cycletrace._internal.demo.log import logged

SUITE = Path(__file__).with_name("model_tests.py")
PLAIN = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTEST_ADDOPTS": ""}


@stage
@logged
def test() -> None:
    """Run pytest and exit with its code, so that a failing test gives the stage the outcome ``error``."""
    os.environ.update(PLAIN)
    options = ["-q", "--tb=line", "-p", "no:cacheprovider", "-c", os.devnull, "--rootdir=."]
    sys.exit(int(pytest.main([*options, str(SUITE)])))


if __name__ == "__main__":
    test()
