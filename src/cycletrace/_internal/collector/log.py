"""The log of the collector: lines for people, or JSON for what collects logs."""

from __future__ import annotations

import json
import logging
import time

FORMATS = ("text", "json")


class _JsonFormatter(logging.Formatter):
    """Formats each record as one JSON object on a line, with the time in UTC."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line of a record."""
        seconds = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        line = {
            "time": f"{seconds}.{int(record.msecs):03d}Z",
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)


def configure(log_format: str) -> None:
    """Write warnings and errors of the process to stderr, in one of :data:`FORMATS`."""
    handler = logging.StreamHandler()
    plain = logging.Formatter("%(asctime)s %(levelname)s %(message)s")
    handler.setFormatter(_JsonFormatter() if log_format == "json" else plain)
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
    logging.getLogger("aiohttp.server").setLevel(logging.CRITICAL)  # invalid HTTP from senders is not our error
