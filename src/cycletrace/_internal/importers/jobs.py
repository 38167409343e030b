"""What jobs of CI systems and schedulers have in common: what their systems do not know, and the key of their cycle."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from cycletrace._internal import instants
from cycletrace._internal.flow import RecordOrigin
from cycletrace._internal.importers.ids import origin_of

Json = Mapping[str, Any]
"""An object in an answer of an API."""


class Choices(NamedTuple):
    """What a system does not know of its jobs."""

    namespace: str
    now: int
    """UTC nanoseconds."""
    key: str
    """The key of a job's cycle, with names of fields in braces."""
    model: str | None = None
    domain: str | None = None
    kinds: tuple[tuple[str, str], ...] = ()
    """Patterns of names and the kinds that they stand for. The first that fits counts."""
    since: int | None = None
    """What began earlier, UTC nanoseconds, is left out."""
    workflow: str | None = None
    branch: str | None = None
    first_commit: bool = False
    """Whether cycles begin with the first commit of the pull request that a run belongs to."""
    manual: tuple[str, ...] = ()
    """Patterns of the names of jobs that a person starts."""
    tagged: bool = False
    """Whether nothing else recorded the stages of what carries a cycle from live."""


def origin_of_job(
    choices: Choices, model: str | None, fields: Mapping[str, object], trigger: str | None = None
) -> RecordOrigin:
    """Return the cycle of a job.

    Args:
        choices: What its system does not know.
        model: The model, unless one was chosen or the key says it; ``None`` or empty if its system does not say.
        fields: What the key may be made of, besides the model.
        trigger: Why the cycle began, if that is known.

    Raises:
        ValueError: if nothing says which model it is, or which key.
    """
    model = choices.model or model
    texts = {name: str(value or "") for name, value in fields.items()}
    key = key_of(choices.key, {"model": model or "", **texts})
    if not key:
        raise ValueError("its key would be empty: choose another --key")
    if choices.model is None and "{model" not in choices.key and all(key.rpartition("@")):
        return origin_of(key, choices.namespace, domain=choices.domain, trigger=trigger)
    if not model:
        raise ValueError("nothing says which model it is for: name it with --model")
    version = key.removeprefix(f"{model}@") if key.startswith(f"{model}@") else None
    return origin_of(key, choices.namespace, model=model, version=version, domain=choices.domain, trigger=trigger)


def key_of(template: str, fields: Mapping[str, str]) -> str:
    """Return a key made from its template.

    Raises:
        ValueError: if the template names a field that there is not, or is no template.
    """
    try:
        return template.format_map(fields)
    except (KeyError, ValueError, IndexError, AttributeError):
        names = ", ".join(f"{{{name}}}" for name in fields)
        raise ValueError(f"must be a text with some of {names}, got {template!r}") from None


def number_of(holder: Json) -> int:
    """Return by which number a system knows something.

    Raises:
        ValueError: if it has none.
    """
    number = holder.get("id")
    if not isinstance(number, int):
        raise ValueError(f"id must be a number, got {number!r}")  # noqa: TRY004 - all that is wrong is alike
    return number


def instant_of(holder: Json, field: str) -> int | None:
    """Return an instant in UTC nanoseconds; ``None`` if it is absent.

    Raises:
        ValueError: if it is none.
    """
    text = holder.get(field)
    if not text:
        return None
    try:
        return instants.parse(str(text))
    except ValueError as error:
        raise ValueError(f"{field} {error}") from None


def known_instant(holder: Json, field: str) -> int | None:
    """Return an instant in UTC nanoseconds; ``None`` if it is not known, or no instant."""
    try:
        return instant_of(holder, field)
    except ValueError:
        return None


def created(holder: Json) -> int | None:
    """Return when something was created, UTC nanoseconds; ``None`` if that is not known."""
    return known_instant(holder, "created_at")


def is_before(holder: Json, since: int | None) -> bool:
    """Return whether something was created before an instant (UTC nanoseconds)."""
    return since is not None and (created(holder) or since) < since
