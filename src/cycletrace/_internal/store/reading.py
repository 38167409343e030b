"""Facts out of a store, at any instant, while others write it.

Kept facts are used where they are those of the asked instant; everything else is folded from its records on the way,
and nothing is written.
"""

from __future__ import annotations

from collections.abc import Iterator

from cycletrace._internal.flow import FACTS_VERSION, Facts, Record, Rules, facts_of, owners_at
from cycletrace._internal.flow.aliases import owner_of
from cycletrace._internal.flow.records import began
from cycletrace._internal.store.components import aliases_of, component_of, records_of
from cycletrace._internal.store.connected import Connection
from cycletrace._internal.store.decode import sound
from cycletrace._internal.store.facts_codec import decode
from cycletrace._internal.store.folding import KEPT_BY, made_by
from cycletrace._internal.store.settings import SettingsReads
from cycletrace.conventions import OPEN
from cycletrace.conventions import cycle_id as id_of_key


class CycleReads(SettingsReads):
    """Reads facts and the records that they are made of."""

    def facts(
        self,
        at: int,
        *,
        model: str | None = None,
        cycle: str | None = None,
        namespace: str | None = None,
        rules: Rules | None = None,
    ) -> Iterator[Facts]:
        """Yield the facts of cycles as they stood at an instant, by cycle id.

        A cycle whose records were pruned is there only at instants from which its facts hold for good.

        Args:
            at: UTC nanoseconds.
            model: Only cycles of this model.
            cycle: Only the cycle with this key, alias' key or id.
            namespace: Only cycles of this namespace.
            rules: What to fold by, instead of the rules of the store. Kept facts of other rules are not used.
        """
        model, cycle, namespace = (None if text is None else sound(text) for text in (model, cycle, namespace))
        rules = self.settings().rules if rules is None else rules
        reader = _Reader(self._connection, at, rules, is_usable=self._noted(KEPT_BY) == made_by(rules))
        found = reader.scan(model, namespace) if cycle is None else reader.find(cycle, namespace)
        for one in found:
            if (model is None or one["model"] == model) and (namespace is None or one["namespace"] == namespace):
                yield one

    def open_facts(self, at: int, rules: Rules | None = None) -> Iterator[Facts]:
        """Yield the facts of the cycles that are open at an instant that is not before their latest fold.

        Where nothing happened since that fold they are as of then, which differs in lengths alone.

        Args:
            at: UTC nanoseconds.
            rules: What to fold by, instead of the rules of the store.
        """
        rules = self.settings().rules if rules is None else rules
        reader = _Reader(self._connection, at, rules, is_usable=self._noted(KEPT_BY) == made_by(rules))
        yield from (one for one in reader.scan_open() if one["outcome"] == OPEN)

    def records_of(self, cycle_id: str, at: int) -> list[Record]:
        """Return the records that belong to a cycle by the claims that were made by an instant (UTC nanoseconds)."""
        records = records_of(self._connection, component_of(self._connection, cycle_id))
        owners = owners_at(records, at)
        return [record for record in records if owner_of(record.origin.cycle_id, owners) == cycle_id]

    def count_later(self, at: int) -> int:
        """Return how many records are dated later than an instant (UTC nanoseconds), and count from then on."""
        rows = self._connection.stream("SELECT cycle_id FROM cycles WHERE due IS NOT NULL AND NOT pruned")
        seen, later = set[str](), 0
        for (cycle_id,) in rows:
            if cycle_id not in seen:
                component = component_of(self._connection, cycle_id)
                seen.update(component)
                later += sum(began(record) > at for record in records_of(self._connection, component))
        return later

    def open_cycles(self) -> Iterator[tuple[str, int | None]]:
        """Yield each open cycle and the instant of its latest fold; ``None`` where it is to be folded anew."""
        yield from self._connection.execute(
            "SELECT cycle_id, CASE WHEN facts IS NOT NULL THEN folded END FROM cycles WHERE outcome = 'open'"
        )

    def kept_facts(self, cycle_id: str) -> Facts | None:
        """Return the facts of a cycle as of its latest fold, ``None`` where it is to be folded anew."""
        row = self._connection.execute("SELECT facts FROM cycles WHERE cycle_id = ?", (cycle_id,)).fetchone()
        return None if row is None or row[0] is None else decode(row[0])

    def is_outdated(self) -> bool:
        """Return whether kept facts were made by another version of the fold, or with other words."""
        kept_by = self._noted(KEPT_BY)
        return kept_by is not None and kept_by.split(" ")[0] != FACTS_VERSION

    def next_refold_at(self) -> int | None:
        """Return the instant from which there is something to fold, ``None`` where only new records make any."""
        due: int | None = self._connection.execute("SELECT min(due) FROM cycles WHERE due IS NOT NULL").fetchone()[0]
        return due


class _Reader:
    """One reading of the facts as of an instant."""

    def __init__(self, connection: Connection, at: int, rules: Rules, *, is_usable: bool) -> None:
        """``is_usable``: whether kept facts were made by these rules."""
        self._connection = connection
        self._at = at
        self._rules = rules
        self._pending: dict[str, Facts | None] = {}  # folded together with an earlier id of its component
        self._kept_until = at if is_usable else None
        """Kept facts that are stable from here, or from before, are those asked for; ``None``: none are."""

    def scan(self, model: str | None, namespace: str | None) -> Iterator[Facts]:
        """Yield all facts; kept ones of other models and namespaces are passed over unread."""
        rows = self._connection.stream(
            "SELECT cycle_id, is_kept, CASE WHEN stable_from <= ?2 THEN facts END FROM "
            "(SELECT *, pruned OR coalesce(stable_from <= ?1, FALSE) AS is_kept FROM cycles) AS known "
            "WHERE NOT is_kept OR "
            "(facts IS NOT NULL "
            "AND (CAST(?3 AS TEXT) IS NULL OR model = ?3) "
            "AND (CAST(?4 AS TEXT) IS NULL OR namespace = ?4)) "
            "ORDER BY cycle_id",
            (self._kept_until, self._at, model, namespace),
        )
        for cycle_id, is_kept, text in rows:
            one = (text and decode(text)) if is_kept else self._fold(cycle_id)
            if one is not None:
                yield one

    def scan_open(self) -> Iterator[Facts]:
        """Yield the facts of the cycles that are or may be open: as of their latest fold where that still holds."""
        rows = self._connection.stream(
            "SELECT cycle_id, CASE WHEN folded <= ?1 AND coalesce(due > ?1, TRUE) THEN facts END FROM cycles "
            "WHERE outcome = 'open' OR (due <= ?1 AND NOT pruned) OR ?1 IS NULL ORDER BY cycle_id",
            (self._kept_until,),
        )
        for cycle_id, text in rows:
            one = self._fold(cycle_id) if text is None else decode(text)
            if one is not None:
                yield one

    def find(self, cycle: str, namespace: str | None) -> Iterator[Facts]:
        """Yield the facts of the cycles that this names."""
        named = {cycle.lower(), id_of_key(namespace or "", cycle)}
        rows = self._connection.execute("SELECT cycle_id FROM keys WHERE key = ?", (cycle,))
        named.update(cycle_id for (cycle_id,) in rows)
        for owner in sorted({self._owner(cycle_id) for cycle_id in named}):
            row = self._connection.execute(
                "SELECT pruned OR coalesce(stable_from <= ?1, FALSE), CASE WHEN stable_from <= ?2 THEN facts END "
                "FROM cycles WHERE cycle_id = ?3",
                (self._kept_until, self._at, owner),
            ).fetchone()
            if row is None:
                continue
            is_kept, text = row
            one = (text and decode(text)) if is_kept else self._fold(owner)
            if one is not None:
                yield one

    def _owner(self, cycle_id: str) -> str:
        """Return the id of the cycle that records of an id belong to."""
        component = component_of(self._connection, cycle_id)
        if len(component) == 1:
            return cycle_id
        records = records_of(self._connection, component)
        # Pruning leaves of a component the claims that stood.
        claims = () if records else aliases_of(self._connection, component)
        return owner_of(cycle_id, owners_at([*records, *claims], self._at))

    def _fold(self, cycle_id: str) -> Facts | None:
        if cycle_id not in self._pending:
            component = component_of(self._connection, cycle_id)
            folded = dict.fromkeys(component[component.index(cycle_id) :])
            self._pending.update(folded)
            for one in facts_of(records_of(self._connection, component), self._at, self._rules):
                if one["cycle_id"] in folded:
                    self._pending[one["cycle_id"]] = one
        return self._pending.pop(cycle_id)
