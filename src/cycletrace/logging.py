"""Trace, span and cycle on the records of the standard ``logging`` module, so that a log line leads to its trace.

::

    import logging
    from cycletrace.logging import CycleFilter

    handler = logging.StreamHandler()
    handler.addFilter(CycleFilter())
    handler.setFormatter(logging.Formatter("%(levelname)s trace_id=%(trace_id)s %(cycle_key)s %(message)s"))
    logging.getLogger().addHandler(handler)

The names ``trace_id`` and ``span_id`` are those of the OpenTelemetry specification, "Trace Context in non-OTLP Log
Formats".
"""

from __future__ import annotations

import logging
from threading import local
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cycletrace._internal.sdk.cycles import CycleRef

_inside = local()


class CycleFilter(logging.Filter):
    """Sets three attributes on each record, and drops none. Add it to a handler.

    - ``trace_id``: the id of the cycle and of its trace, 32 lower-case hex digits.
    - ``span_id``: 16 lower-case hex digits: the innermost OpenTelemetry span of that trace, else the stage, else the
      root of the cycle.
    - ``cycle_key``: the key of the cycle.

    All are empty outside any cycle, or if cycletrace is disabled. A log line never creates a cycle.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        """Set the attributes."""
        # A record logged during the lookup must not trigger another one.
        if getattr(_inside, "is_busy", False):
            record.trace_id, record.span_id, record.cycle_key = "", "", ""
            return True
        _inside.is_busy = True
        try:
            record.trace_id, record.span_id, record.cycle_key = _here()
        finally:
            _inside.is_busy = False
        return True


def _here() -> tuple[str, str, str]:
    from cycletrace._internal.sdk import blocks

    cycle = blocks.known_cycle()
    return ("", "", "") if cycle is None else (cycle.cycle_id, _span_id(cycle), cycle.key)


def _span_id(cycle: CycleRef) -> str:
    from opentelemetry.trace import get_current_span

    from cycletrace._internal.sdk import blocks

    current = get_current_span().get_span_context()
    if current.trace_id == cycle.trace_number:
        return f"{current.span_id:016x}"
    _, stage = blocks.snapshot() or (None, None)
    return stage or cycle.root_id
