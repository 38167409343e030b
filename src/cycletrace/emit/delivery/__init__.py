"""From journals to an OTLP endpoint: one claim-holder a directory, bounded, resumable, at least once."""

from __future__ import annotations

import threading

LOADING = threading.Lock()
"""Held while our thread imports. A fork waits for it: a child that is born in the midst of an import never ends it."""
