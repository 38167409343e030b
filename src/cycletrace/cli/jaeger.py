"""Links to cycles' traces in Jaeger: its search cannot name a cycle that is open, since its root is yet to come."""

from __future__ import annotations

import os
from collections.abc import Callable

from cycletrace.cli.failure import Failure

JAEGER_URL = "CYCLETRACE_JAEGER_URL"


def trace_links() -> Callable[[str], str | None]:
    """From a cycle's id to the page of its trace in the Jaeger at ``CYCLETRACE_JAEGER_URL``; where unset, to ``None``.

    Raises:
        Failure: where that is no URL.
    """
    base = os.environ.get(JAEGER_URL, "").rstrip("/")
    if base and not base.startswith(("http://", "https://")):
        raise Failure(f"{JAEGER_URL} is {base!r}: expected a URL such as http://127.0.0.1:16686")
    return lambda cycle_id: f"{base}/trace/{cycle_id}" if base else None
