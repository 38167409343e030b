"""Handling of a person who aborts at a question."""

from __future__ import annotations

import sys
from collections.abc import Generator
from contextlib import contextmanager

LEFT = 130
"""Exit code of a step aborted at a question."""


@contextmanager
def attended() -> Generator[None, None, None]:
    """Exit without a traceback on Ctrl-C or Ctrl-D, after everything was recorded."""
    try:
        yield
    except (KeyboardInterrupt, EOFError):
        print()
        sys.exit(LEFT)
