"""Wrappers around what belongs to others, whose warnings name the same line of the program as without them."""

from __future__ import annotations

from collections.abc import Callable
from functools import update_wrapper
from typing import Any, TypeVar

W = TypeVar("W", bound=Callable[..., Any])

_UNCOUNTED = "<cycletrace.integrations, skipped like importlib._bootstrap>"
"""The file of a wrapper. Where ``warnings.warn(stacklevel=2)`` looks for the caller of a function, every Python passes
over frames whose file has both of the names in it; its ``skip_file_prefixes`` is up to who warns."""


def wraps_uncounted(function: Callable[..., Any]) -> Callable[[W], W]:
    """Return a decorator like :func:`functools.wraps`, for a wrapper that warnings do not count as a caller."""

    def decorate(wrapper: W) -> W:
        python_function: Any = update_wrapper(wrapper, function)
        python_function.__code__ = python_function.__code__.replace(co_filename=_UNCOUNTED)
        return wrapper

    return decorate
