"""What an address asks for: the filters of ``cycletrace report``, under the same names, as a query."""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import parse_qsl, urlencode

from cycletrace._internal.flow import Facts, parse_target
from cycletrace._internal.report.populations import ANY_TRIGGER
from cycletrace._internal.report.windows import DEFAULT_WINDOW, parse_window, parse_zone
from cycletrace.conventions import IDEA, TRIGGERS

NAMED = {"namespace": "team", "model": "model", "domain": "domain"}
"""Filters by a name that facts have, each with the word for it."""

TRIGGER_FILTERS = (*TRIGGERS, ANY_TRIGGER)
"""Values of the filter by trigger."""


class Selection(NamedTuple):
    """The cycles that a page is about. ``None`` selects all."""

    namespace: str | None = None
    model: str | None = None
    domain: str | None = None
    trigger: str = IDEA
    window: str = DEFAULT_WINDOW
    timezone: str = "UTC"
    target: str | None = None
    cycle: str | None = None
    """A key, an alias or an id: the page is about this cycle alone."""

    def names(self) -> dict[str, str]:
        """Return the names that are selected, by filter."""
        chosen = {name: getattr(self, name) for name in NAMED}
        return {name: text for name, text in chosen.items() if text is not None}

    def selects(self, facts: Facts) -> bool:
        """Return whether a cycle has the names that are selected."""
        return (
            self.namespace in {None, facts["namespace"]}
            and self.model in {None, facts["model"]}
            and self.domain in {None, facts["domain"]}
        )

    def query(self) -> str:
        """Return the shortest query that asks for this, with its question mark; empty for the defaults."""
        pairs = {name: text for name, text in self._asdict().items() if text != self._field_defaults[name]}
        return f"?{urlencode(pairs)}" if pairs else ""


def parse_selection(query: str, now: int) -> Selection:
    """Return what a query asks for at an instant (UTC nanoseconds). A filter without a value is left out.

    Raises:
        ValueError: if it asks for something that there cannot be. The message says what is allowed.
    """
    try:
        pairs = parse_qsl(query, max_num_fields=len(Selection._fields))
    except ValueError:
        raise ValueError("too many filters in the address: each may be there once.") from None
    chosen = dict(pairs)
    for name in chosen:
        if name not in Selection._fields:
            raise ValueError(f"not a filter: {name!r}. The filters are {', '.join(Selection._fields)}.")
    if len(chosen) < len(pairs):
        raise ValueError("a filter is in the address twice: choose one value.")
    selection = Selection(**chosen)
    if selection.trigger not in TRIGGER_FILTERS:
        raise ValueError(f"not a trigger: {selection.trigger!r}. The triggers are {', '.join(TRIGGER_FILTERS)}.")
    parse_window(selection.window, now, parse_zone(selection.timezone))
    if selection.target is not None:
        parse_target(selection.target)
    return selection
