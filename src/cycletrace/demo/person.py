"""The person at the terminal, who may have seen enough."""

from __future__ import annotations

import sys
from collections.abc import Generator
from contextlib import contextmanager

LEFT = 130
"""Exit code of a step that was left at a question."""


@contextmanager
def attended() -> Generator[None, None, None]:
    """Ctrl-C and Ctrl-D at a question end the step, after all that is recorded of it, and without a traceback."""
    try:
        yield
    except (KeyboardInterrupt, EOFError):
        print()
        sys.exit(LEFT)
