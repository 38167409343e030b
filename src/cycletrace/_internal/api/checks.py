"""Checks of arguments, whose errors name the value, what is allowed and what to do."""

from __future__ import annotations

from cycletrace.conventions import AUTOMATION

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any


def one_of(what: str, given: str | None, allowed: Iterable[str]) -> None:
    """Check that a value, if given, is one of those allowed.

    Raises:
        ValueError: if it is not.
    """
    if given is not None and given not in allowed:
        raise ValueError(f"{what} must be one of {', '.join(allowed)}, got {given!r}.")


def attempt(given: int | None) -> None:
    """Check that a value, if given, is the number of an attempt.

    Raises:
        ValueError: if it is not.
    """
    if given is not None and (type(given) is not int or given < 1):
        raise ValueError(f"attempt must be a whole number from 1, got {given!r}.")


def attributes(given: Mapping[Any, object] | None) -> None:
    """Check that a value, if given, can be the attributes of a span.

    Raises:
        TypeError: if it cannot.
    """
    if given is not None and not hasattr(given, "items"):
        raise TypeError(f"attributes must map names to values, such as {{'rows': 10}}, got {given!r}.")
    for name, value in (given or {}).items():
        if not isinstance(name, str) or not isinstance(value, (str, bool, int, float)):
            raise TypeError(
                f"attributes must be numbers, strings or booleans with string names, got {name!r} of type "
                f"{type(value).__name__}."
            )


def cycle(given: object, kind: type) -> None:
    """Check that a value, if given, is a ``Cycle`` (``kind``) or a key.

    Raises:
        TypeError: if it is neither.
    """
    if given is not None and (given == "" or not isinstance(given, (kind, str))):
        raise TypeError(f"cycle must be a Cycle or a key, got {given!r}.")


def actor(by: str | None) -> None:
    """Check that ``by``, if given, names automation or a person.

    Raises:
        ValueError: if it does not.
    """
    if by is not None and by not in (AUTOMATION, "person") and not str(by).startswith("person:"):
        raise ValueError(f'by must be "automation", "person" (whoever is logged in) or "person:NAME", got {by!r}.')
