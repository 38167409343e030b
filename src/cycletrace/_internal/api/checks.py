"""Checks of arguments, whose errors name the value, what is allowed and what to do.

They raise where a function is decorated. In a running program, :func:`kept` logs what they find.
"""

from __future__ import annotations

from cycletrace.conventions import AUTOMATION

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from typing import Any, TypeVar

    T = TypeVar("T")
    U = TypeVar("U")


def kept(problems: list[Exception], value: T, instead: U, check: Callable[[], None]) -> T | U:
    """Return a value that passes its check, or log the problem, add it to the list and return the other value."""
    try:
        check()
    except (TypeError, ValueError) as error:
        problems.append(error)
        report(error, "It is ignored." if instead is None else f"Using {instead!r}.")
        return instead
    return value


def report(error: Exception, consequence: str) -> None:
    """Log a wrong argument, once. In strict mode, raise."""
    from cycletrace._internal.diagnostics import warn_misuse

    warn_misuse("%s %s", error, consequence)


def one_of(what: str, given: str | None, allowed: Iterable[str]) -> None:
    """Check that a value, if given, is one of those allowed.

    Raises:
        ValueError: if it is not.
    """
    if given is not None and given not in allowed:
        raise ValueError(f"{what} must be one of {', '.join(allowed)}, got {given!r}.")


def name(given: object) -> None:
    """Check that a value is the name of a stage.

    Raises:
        TypeError: if it is not a string.
        ValueError: if it is empty.
    """
    if not isinstance(given, str):
        raise TypeError(f"name must be a string, got {given!r}.")
    if not given:
        raise ValueError("name must not be empty, got ''.")


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
        if not is_attribute(name, value):
            raise TypeError(
                f"attributes must be numbers, strings or booleans with string names, got {name!r} of type "
                f"{type(value).__name__}."
            )


def is_attribute(name: object, value: object) -> bool:
    """Return whether a span can have this attribute."""
    return isinstance(name, str) and isinstance(value, (str, bool, int, float))


def capture(given: Iterable[str]) -> None:
    """Check that a value names arguments.

    Raises:
        TypeError: if it does not.
    """
    if isinstance(given, str) or not hasattr(given, "__iter__"):
        raise TypeError(f'capture must be a tuple of argument names, got {given!r}: use capture=("{given}",).')


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


def job(given: object) -> None:
    """Check that a value, if given, names what numbers a run elsewhere, and its number there.

    Raises:
        ValueError: if it does not.
    """
    if given is not None and not (isinstance(given, str) and all(given.partition(":"))):
        raise ValueError(f"job must be SYSTEM:ID, such as 'slurm:4711', got {given!r}.")
