"""What is wrong with what a user wrote, found where it is written, in the sentence that helps."""

from __future__ import annotations

from cycletrace.conventions import AUTOMATION

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime


def one_of(what: str, given: str | None, allowed: Iterable[str]) -> None:
    """Raise where something is given that is not allowed.

    Raises:
        ValueError: with what is allowed.
    """
    if given is not None and given not in allowed:
        raise ValueError(f"{what}={given!r} is not known: it is one of {', '.join(allowed)}.")


def actor(by: str | None) -> None:
    """Raise where ``by`` says neither automation nor a person.

    Raises:
        ValueError: with what it may say.
    """
    if by is not None and by not in {AUTOMATION, "person"} and not by.startswith("person:"):
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
    if offset is None:
        raise TypeError(f"at={at!r} is no instant: give an aware datetime or UTC nanoseconds.")
    if offset() is None:
        raise ValueError(f"at={at!r} has no time zone: say datetime.now(timezone.utc), or add tzinfo.")
    from datetime import datetime, timezone

    assert isinstance(at, datetime)
    since = at - datetime(1970, 1, 1, tzinfo=timezone.utc)
    return ((since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds) * 1_000
