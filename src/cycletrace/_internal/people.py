"""Names of people, as records hold them."""

from __future__ import annotations

import hmac


def recorded(name: str, mode: str, key: str) -> str | None:
    """Return a person's name as it is recorded: by default a pseudonym, the first 16 hex digits of a hash.

    Args:
        name: Not empty.
        mode: A value of ``CYCLETRACE_PEOPLE``: ``pseudonyms``, ``names`` or ``none``.
        key: What pseudonyms are made with.
    """
    if mode == "none":
        return None
    if mode == "names":
        return name
    return hmac.new(key.encode("utf-8", "replace"), name.encode("utf-8", "replace"), "sha256").hexdigest()[:16]
