"""Facts as the text that the store keeps: JSON.

By orjson where it is installed, which comes with the report and reads a million facts in a fraction of the time; the
SDK's own install has none, and needs none to look at a machine's cycles. Either reads what the other wrote.
"""

from __future__ import annotations

import json
from collections.abc import Callable

from cycletrace._internal.flow import Facts, complete


def _by_json() -> tuple[Callable[[Facts], str], Callable[[str], Facts]]:
    return json.JSONEncoder(separators=(",", ":"), check_circular=False).encode, json.loads


def _fastest() -> tuple[Callable[[Facts], str], Callable[[str], Facts]]:
    try:
        import orjson
    except ImportError:
        return _by_json()
    return lambda facts: orjson.dumps(facts).decode(), orjson.loads


encode, _parse = _fastest()


def decode(text: str) -> Facts:
    """Return the facts that a text holds, also where an older vocabulary made them."""
    return complete(_parse(text))
