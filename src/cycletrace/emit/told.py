"""How our own failures are told: each once, to the ``cycletrace`` logger, never to the program.

In strict mode (``CYCLETRACE_STRICT=1``, for tests) what would be told raises instead.
"""

from __future__ import annotations

import logging
import os

LOGGER = logging.getLogger("cycletrace")
# A library stays silent unless the program configures logging; without a handler of its own, warnings would be
# printed to stderr by the logging module's last resort.
LOGGER.addHandler(logging.NullHandler())

_told: set[str] = set()
_LIMIT = 1000


class Misuse(ValueError):  # noqa: N818 - it says what the user did
    """Wrong use at run time, raised in strict mode only."""


def complain(message: str, *values: object) -> None:
    """Tell this once in the life of the process, however often it happens.

    Raises:
        Misuse: in strict mode.
    """
    text = message % values if values else message
    if os.environ.get("CYCLETRACE_STRICT", "").strip().lower() in {"1", "true", "yes", "on"}:
        raise Misuse(text)
    tell(text)


def tell(text: str) -> None:
    """Log this once in the life of the process."""
    if text in _told:
        return
    if len(_told) < _LIMIT:  # bounded: messages hold what users wrote
        _told.add(text)
        LOGGER.warning("%s", text)
