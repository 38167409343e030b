"""Recording apart from everything else: in a directory, an environment and with a clock of its own."""

from __future__ import annotations

import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from cycletrace.testing.clock import Clock, SequentialIds
from cycletrace.testing.journal import Journal

OURS = ("CYCLETRACE", "OTEL", "TRACEPARENT")
"""Variables that begin so are hidden while recording: a test sends nothing to anybody's collector."""


@contextmanager
def recording(directory: Path) -> Generator[Journal, None, None]:
    """Record this process' stages in this directory until the block ends, and give what was recorded.

    Instants come from the journal's ``clock``, which stands still unless it is moved, ids are sequential, and no
    settings but those made inside hold. OpenTelemetry's global providers are left alone.
    """
    from cycletrace._api.served import _recorded
    from cycletrace.diagnostics import _logged
    from cycletrace.emit import runtime, settings
    from cycletrace.emit.current import CURRENT, EMPTY
    from cycletrace.emit.ids import Source

    environment, chosen, here = dict(os.environ), dict(settings.CHOSEN), CURRENT.get()
    for variable in environment:
        if variable.startswith(OURS):
            del os.environ[variable]
    os.environ["CYCLETRACE_DIR"] = str(directory)
    settings.CHOSEN.clear()
    _logged.clear()
    _recorded.clear()
    CURRENT.set(EMPTY)
    clock = Clock()
    runtime.reset(Source(clock, clock, SequentialIds()))
    try:
        yield Journal(directory, clock)
    finally:
        runtime.reset(Source())
        settings.CHOSEN.clear()
        settings.CHOSEN.update(chosen)
        CURRENT.set(here)
        os.environ.clear()
        os.environ.update(environment)
