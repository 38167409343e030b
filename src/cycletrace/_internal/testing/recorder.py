"""Isolated recording: with a separate directory, environment and clock."""

from __future__ import annotations

import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from cycletrace._internal.testing.clock import Clock, SequentialIds
from cycletrace._internal.testing.journal import Journal

OURS = ("CYCLETRACE", "OTEL", "TRACEPARENT")
"""Prefixes of variables hidden while recording, so that a test sends nothing to a real collector."""


@contextmanager
def recording(directory: Path) -> Generator[Journal, None, None]:
    """Record this process's stages in this directory until the block ends, and provide the records.

    Instants come from the journal's ``clock``, which moves only on demand. Ids are sequential, and only settings
    made inside apply. OpenTelemetry's global providers are not touched.
    """
    from cycletrace._internal import diagnostics
    from cycletrace._internal.api import served
    from cycletrace._internal.sdk import runtime, settings
    from cycletrace._internal.sdk.current import CURRENT, EMPTY
    from cycletrace._internal.sdk.ids import Source

    environment, chosen, here = dict(os.environ), dict(settings.CHOSEN), CURRENT.get()
    for variable in environment:
        if variable.startswith(OURS):
            del os.environ[variable]
    os.environ["CYCLETRACE_DIR"] = str(directory)
    settings.CHOSEN.clear()
    diagnostics.forget_logged()
    served.forget_recorded()
    CURRENT.set(EMPTY)
    clock = Clock()
    runtime.reset(Source(clock, clock, SequentialIds(), lambda: None, lambda: None, clock))
    try:
        yield Journal(directory, clock)
    finally:
        runtime.reset(Source())
        settings.CHOSEN.clear()
        settings.CHOSEN.update(chosen)
        CURRENT.set(here)
        os.environ.clear()
        os.environ.update(environment)
