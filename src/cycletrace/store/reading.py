"""Facts out of a store, at any instant, while others write it.

Kept facts are used where they are those of the asked instant; everything else is folded from its records on the way,
and nothing is written.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

from cycletrace.conventions import cycle_id as id_of_key
from cycletrace.flow import RULES, Facts, Rules, facts_of
from cycletrace.store.components import component_of, records_of
from cycletrace.store.database import Store
from cycletrace.store.decode import sound
from cycletrace.store.kept import decode
from cycletrace.store.refolding import kept_rules


def facts(
    store: Store,
    at: int,
    *,
    model: str | None = None,
    cycle: str | None = None,
    namespace: str | None = None,
    rules: Rules = RULES,
) -> Iterator[Facts]:
    """The facts of cycles as they stood at an instant (UTC nanoseconds), by cycle id, one at a time.

    ``cycle`` is a key, an alias' key or an id. A cycle whose records were pruned is told only at instants from which
    its facts hold for good. The store must not be written through the same :class:`Store` meanwhile.

    Raises:
        StoreError: where the store cannot be read.
    """
    model, cycle, namespace = (None if text is None else sound(text) for text in (model, cycle, namespace))
    with store.snapshot() as connection:
        reader = _Reader(connection, at, rules)
        found = reader.scan(model, namespace) if cycle is None else reader.find(cycle, namespace)
        for one in found:
            if (model is None or one["model"] == model) and (namespace is None or one["namespace"] == namespace):
                yield one


class _Reader:
    """One reading of a store."""

    def __init__(self, connection: sqlite3.Connection, at: int, rules: Rules) -> None:
        self._connection = connection
        self._at = at
        self._rules = rules
        self._pending: dict[str, Facts | None] = {}  # folded together with an earlier id of its component
        kept = connection.execute("SELECT value FROM meta WHERE name = 'rules'").fetchone()
        self._kept_until = at if kept == (kept_rules(rules),) else None
        """Kept facts that are stable from here, or from before, are those asked for; ``None``: none are."""

    def scan(self, model: str | None, namespace: str | None) -> Iterator[Facts]:
        """All facts; kept ones of other models and namespaces are passed over unread."""
        rows = self._connection.execute(
            "SELECT cycle_id, pruned OR ifnull(stable_from <= ?1, 0) AS is_kept, "
            "CASE WHEN stable_from <= ?2 THEN facts END FROM cycles "
            "WHERE NOT is_kept OR "
            "(facts IS NOT NULL AND (?3 IS NULL OR model = ?3) AND (?4 IS NULL OR namespace = ?4)) "
            "ORDER BY cycle_id",
            (self._kept_until, self._at, model, namespace),
        )
        for cycle_id, is_kept, text in rows:
            one = (text and decode(text)) if is_kept else self._fold(cycle_id)
            if one is not None:
                yield one

    def find(self, cycle: str, namespace: str | None) -> Iterator[Facts]:
        """The facts of the cycles that this names."""
        named = {cycle.lower(), id_of_key(namespace or "", cycle)}
        rows = self._connection.execute("SELECT cycle_id FROM keys WHERE key = ?", (cycle,))
        named.update(cycle_id for (cycle_id,) in rows)
        owners = {component_of(self._connection, cycle_id).owners(self._at)[cycle_id] for cycle_id in named}
        for owner in sorted(owners):
            row = self._connection.execute(
                "SELECT pruned OR ifnull(stable_from <= ?1, 0), CASE WHEN stable_from <= ?2 THEN facts END FROM cycles "
                "WHERE cycle_id = ?3",
                (self._kept_until, self._at, owner),
            ).fetchone()
            if row is None:
                continue
            is_kept, text = row
            one = (text and decode(text)) if is_kept else self._fold(owner)
            if one is not None:
                yield one

    def _fold(self, cycle_id: str) -> Facts | None:
        if cycle_id not in self._pending:
            component = component_of(self._connection, cycle_id)
            folded = dict.fromkeys(component.ids[component.ids.index(cycle_id) :])
            self._pending.update(folded)
            for one in facts_of(records_of(self._connection, component), self._at, self._rules):
                if one["cycle_id"] in folded:
                    self._pending[one["cycle_id"]] = one
        return self._pending.pop(cycle_id)
