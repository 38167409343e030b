"""How our own failures are told: each once, to the ``cycletrace`` logger, never to the program.

In strict mode (``CYCLETRACE_STRICT=1``, for tests) what would be told raises instead.
"""

from __future__ import annotations

import logging
import os
import traceback
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")

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


def harmless(function: Callable[P, R]) -> Callable[P, R | None]:
    """The function, but what it raises is told, and it returns ``None`` instead. Strict mode raises."""

    @wraps(function)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> R | None:
        try:
            return function(*args, **kwargs)
        except Misuse:
            raise
        except Exception as error:
            tell(f"{function.__name__} failed, and something was not recorded: {in_words(error)}")
            return None

    return guarded


def in_words(error: BaseException) -> str:
    """An exception in one line. A hostile ``__str__`` of it costs its message only."""
    return traceback.format_exception_only(type(error), error)[-1].strip()


def tell(text: str) -> None:
    """Log this once in the life of the process."""
    if text in _told:
        return
    if len(_told) < _LIMIT:  # bounded: messages hold what users wrote
        _told.add(text)
        LOGGER.warning("%s", text)
