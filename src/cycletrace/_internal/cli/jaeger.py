"""Links to cycles' traces in Jaeger, whose search cannot find an open cycle: it has no root span yet."""

from __future__ import annotations

import os
from collections.abc import Callable

from cycletrace._internal.cli.failure import Failure

JAEGER_URL = "CYCLETRACE_JAEGER_URL"


def trace_links() -> Callable[[str], str | None]:
    """Return a function from a cycle's id to the URL of its trace at ``CYCLETRACE_JAEGER_URL``; if unset, to ``None``.

    Raises:
        Failure: if the variable is not a URL.
    """
    base = os.environ.get(JAEGER_URL, "").rstrip("/")
    if base and not base.startswith(("http://", "https://")):
        raise Failure(f"{JAEGER_URL} must be a URL such as http://127.0.0.1:16686, got {base!r}")
    return lambda cycle_id: f"{base}/trace/{cycle_id}" if base else None
