"""What is wrong with what a user wrote, found where it is written, in the sentence that helps."""

from __future__ import annotations

from cycletrace.conventions import AUTOMATION

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime
    from typing import Any


def one_of(what: str, given: str | None, allowed: Iterable[str]) -> None:
    """Raise where something is given that is not allowed.

    Raises:
        ValueError: with what is allowed.
    """
    if given is not None and given not in allowed:
        raise ValueError(f"{what}={given!r} is not known: it is one of {', '.join(allowed)}.")


def url(what: str, given: str | None) -> None:
    """Raise where something is given that is no URL of HTTP.

    Raises:
        ValueError: with what it looks like.
    """
    if given is not None and not str(given).startswith(("http://", "https://")):
        from cycletrace.urls import quote_harmless

        raise ValueError(f"{what} must be a URL such as http://HOST:4318, got {quote_harmless(given)}.")


def attempt(given: int | None) -> None:
    """Raise where this is no number of an attempt.

    Raises:
        ValueError: with what it is.
    """
    if given is not None and (type(given) is not int or given < 1):
        raise ValueError(f"attempt={given!r} is not known: it is a whole number from 1.")


def attributes(given: Mapping[Any, object] | None) -> None:
    """Raise where these cannot be attributes of a span.

    Raises:
        TypeError: with what can be.
    """
    if given is not None and not hasattr(given, "items"):
        raise TypeError(f"attributes={given!r} is none: give names and values, such as {{'rows': 10}}.")
    for name, value in (given or {}).items():
        if not isinstance(name, str) or not isinstance(value, (str, bool, int, float)):
            raise TypeError(
                f"attributes holds {name!r}, a {type(value).__name__}: numbers, texts and truth values can be."
            )


def cycle(given: object, kind: type) -> None:
    """Raise where this is neither a handle of a cycle (``kind``) nor a key.

    Raises:
        TypeError: with what it takes.
    """
    if given is not None and (given == "" or not isinstance(given, (kind, str))):
        raise TypeError(f"cycle={given!r} is none: give what cycle() made, or a key.")


def actor(by: str | None) -> None:
    """Raise where ``by`` says neither automation nor a person.

    Raises:
        ValueError: with what it may say.
    """
    if by is not None and by not in (AUTOMATION, "person") and not str(by).startswith("person:"):
        raise ValueError(f'by={by!r} is not known: say "automation", "person" (whoever is logged in) or "person:NAME".')


def instant(at: datetime | int | None) -> int | None:
    """UTC nanoseconds of an aware datetime, or of UTC nanoseconds.

    Raises:
        TypeError: where it is neither.
        ValueError: where the datetime is naive.
    """
    if at is None:
        return None
    if isinstance(at, int) and not isinstance(at, bool):
        return at
    offset = getattr(at, "utcoffset", None)
    if offset is None or not hasattr(at, "year"):  # a time of day has an offset, too
        raise TypeError(f"at={at!r} is no instant: give an aware datetime or UTC nanoseconds.")
    if offset() is None:
        raise ValueError(f"at={at!r} has no time zone: say datetime.now(timezone.utc), or add tzinfo.")
    from datetime import datetime, timezone

    assert isinstance(at, datetime)
    since = at - datetime(1970, 1, 1, tzinfo=timezone.utc)
    return ((since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds) * 1_000
