"""Logging of the library's own problems: once each, to the ``cycletrace`` logger, never to the program.

In strict mode (``CYCLETRACE_STRICT=1``, for tests) misuse raises instead.
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

TRUE = frozenset({"1", "true", "yes", "on"})
"""Values of boolean variables that mean true."""

_logged: set[str] = set()
_LIMIT = 1000


class Misuse(ValueError):  # noqa: N818 - named after what the user did
    """Misuse at run time, raised only in strict mode."""


def warn_misuse(message: str, *values: object) -> None:
    """Log misuse, once per process.

    Raises:
        Misuse: in strict mode.
    """
    text = message % values if values else message
    if os.environ.get("CYCLETRACE_STRICT", "").strip().lower() in TRUE:
        raise Misuse(text)
    log_once(text)


def never_raise(function: Callable[P, R]) -> Callable[P, R | None]:
    """Wrap a function to log its exceptions and return ``None`` instead. In strict mode, misuse still raises."""

    @wraps(function)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> R | None:
        try:
            return function(*args, **kwargs)
        except Misuse:
            raise
        except RecursionError:  # no room on the stack, not even to log it
            return None
        except Exception as error:
            let_pass(error)
            log_once(f"{function.__name__} failed, so something was not recorded: {describe_error(error)}")
            return None

    return guarded


def let_pass(error: BaseException) -> None:
    """Raise an exception again if a signal handler of the program raised it while our code ran.

    A timeout by ``SIGALRM`` is meant for the program, which must get it wherever it strikes.
    """
    if is_from_handler(error):
        raise error


def is_from_handler(error: BaseException) -> bool:
    """Return whether a signal handler raised this exception, which was caught in the calling function.

    No function but a handler is passed the very frame that its exception continues in: the one it interrupted.
    """
    interrupted = error.__traceback__
    while interrupted is not None and interrupted.tb_next is not None:
        frame = interrupted.tb_frame
        for value in interrupted.tb_next.tb_frame.f_locals.values():
            if value is frame or (type(value) is tuple and any(item is frame for item in value)):
                return True
        interrupted = interrupted.tb_next
    return False


def describe_error(error: BaseException) -> str:
    """Return an exception as one line, even if its ``__str__`` fails."""
    return traceback.format_exception_only(type(error), error)[-1].strip()


def log_once(text: str) -> None:
    """Log a warning, once per process."""
    if text in _logged:
        return
    if len(_logged) < _LIMIT:  # bounded, since messages contain user input
        _logged.add(text)
        LOGGER.warning("%s", text)


def forget_logged() -> None:
    """Log again what was logged before, as a new process would."""
    _logged.clear()
