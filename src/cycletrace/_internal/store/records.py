"""Adding records. What was added already changes nothing, so every sender may repeat itself."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from cycletrace._internal.flow import Alias, Record, Retraction
from cycletrace._internal.store.components import claims_at, claims_of, component_of
from cycletrace._internal.store.due import DUE_NOW
from cycletrace._internal.store.record_codec import encode
from cycletrace._internal.store.rejections import Rejection, RejectionWrites, rejection

PRUNED = "the cycle's records were pruned"
FULL = "the cycle has as many records or keys as one may have"
KEYS = 1000
"""Keys that one cycle may have where its records are limited: they are walked whenever records for one arrive."""
_TIES = (Alias, Retraction)
"""What may change which ids hang together."""


class Added(NamedTuple):
    """What came of a batch of records."""

    new: int
    refused: list[Rejection]
    """Records of cycles that were pruned or are full."""
    rejected: int
    """How many of these were not refused before: they count among the rejected."""


class RecordWrites(RejectionWrites):
    """Adds records."""

    def add(self, records: Iterable[Record], now: int, limit: int | None = None) -> Added:
        """Add records, and mark the cycles that are to be folded anew.

        Args:
            records: Of any cycles, in any order.
            now: UTC nanoseconds; dates what is rejected.
            limit: How many records one cycle may have, with all that aliases tie to it, so that its folds do not hold
                up others.
        """
        by_cycle: dict[str, list[Record]] = defaultdict(list)
        for record in records:
            by_cycle[record.origin.cycle_id].append(record)
        has_pruned = self._connection.execute("SELECT 1 FROM cycles WHERE pruned LIMIT 1").fetchone() is not None
        pruned: dict[str, bool] = {}
        new = 0
        refused: list[Rejection] = []
        for cycle_id in sorted(by_cycle):  # in the order of the key: neighbours share pages
            batch = by_cycle[cycle_id]
            if has_pruned:
                batch, beyond = self._without_pruned(batch, pruned)
                refused += beyond
            if limit is not None:
                batch, beyond = self._within(limit, cycle_id, batch)
                refused += beyond
            new += self._add_to_cycle(cycle_id, batch)
        return Added(new, refused, len(self.reject(now, refused)))

    def _without_pruned(
        self, records: Iterable[Record], pruned: dict[str, bool]
    ) -> tuple[list[Record], list[Rejection]]:
        """Return the records to keep, and those of pruned cycles, for which a fold would lack the rest."""
        accepted = []
        rejected = []
        for record in records:
            ids = (record.origin.cycle_id, *([record.alias_id] if isinstance(record, Alias) else []))
            if any(self._is_pruned(cycle_id, pruned) for cycle_id in ids):
                rejected.append(_rejection(PRUNED, record))
            else:
                accepted.append(record)
        return accepted, rejected

    def _within(self, limit: int, cycle_id: str, records: list[Record]) -> tuple[list[Record], list[Rejection]]:
        """Return the records for which there is room in their cycle, with all that is tied to it, and the others."""
        ties: list[Record] = [record for record in records if isinstance(record, _TIES)]
        left = 0 if ties else self._room(limit, component_of(self._connection, cycle_id, KEYS))
        if len(records) <= left:
            return records, []
        new = [record for record in dict.fromkeys(records) if not self._is_known(cycle_id, record)]
        ties = [record for record in new if isinstance(record, _TIES)]
        if ties and self._room_together(limit, cycle_id, ties) >= len(new):
            return new, []
        others: list[Record] = [record for record in new if not isinstance(record, _TIES)]
        left = self._room(limit, component_of(self._connection, cycle_id, KEYS))
        return others[:left], [_rejection(FULL, record) for record in [*ties, *others[left:]]]

    def _room(self, limit: int, component: Iterable[str]) -> int:
        """Return how many records a component may still get, which are folded together."""
        left = limit
        for member in component:
            (count,) = self._connection.execute(
                "SELECT count(*) FROM (SELECT 1 FROM records WHERE cycle_id = ? LIMIT ?) AS counted",
                (member, max(left, 0)),
            ).fetchone()
            left -= count
        return max(left, 0)

    def _room_together(self, limit: int, cycle_id: str, ties: Iterable[Record]) -> int:
        """Return how many records what hangs together may get once these are added; none where it has too many keys."""
        left = limit
        seen = set[str]()
        self._connection.execute("SAVEPOINT tied")
        try:
            for changed in [cycle_id, *self._tie(cycle_id, ties)]:
                if changed not in seen:
                    component = component_of(self._connection, changed, KEYS)
                    seen.update(component)
                    left = min(left, self._room(limit, component) if len(component) <= KEYS else 0)
        finally:
            self._connection.execute("ROLLBACK TO tied")
            self._connection.execute("RELEASE tied")
        return left

    def _is_known(self, cycle_id: str, record: Record) -> bool:
        found = self._connection.execute(
            "SELECT 1 FROM records WHERE cycle_id = ? AND body = ?", (cycle_id, encode(record))
        )
        return found.fetchone() is not None

    def _is_pruned(self, cycle_id: str, pruned: dict[str, bool]) -> bool:
        """Return whether records of this id were pruned; ``pruned`` remembers it for all that is tied to the id."""
        if cycle_id not in pruned:
            ids = component_of(self._connection, cycle_id)
            is_pruned = any(
                self._connection.execute("SELECT 1 FROM cycles WHERE pruned AND cycle_id = ?", (tied,)).fetchone()
                for tied in ids
            )
            pruned.update(dict.fromkeys(ids, is_pruned))
        return pruned[cycle_id]

    def _add_to_cycle(self, cycle_id: str, records: list[Record]) -> int:
        """Add the records of one id. Return how many are new."""
        new = self._connection.executemany(
            "INSERT INTO records (cycle_id, body) VALUES (?, ?) ON CONFLICT DO NOTHING",
            [(cycle_id, encode(record)) for record in records],
        ).rowcount
        if not new:
            return 0
        keys = {(record.origin.key, cycle_id) for record in records if record.origin.key}
        keys.update((record.key, record.alias_id) for record in records if isinstance(record, Alias))
        self._connection.executemany(
            "INSERT INTO keys (key, cycle_id) VALUES (?, ?) ON CONFLICT DO NOTHING", sorted(keys)
        )
        self._connection.execute(
            "INSERT INTO cycles (cycle_id, fresh) VALUES (?1, ?2) "
            "ON CONFLICT (cycle_id) DO UPDATE SET fresh = cycles.fresh + ?2",
            (cycle_id, new),
        )
        self._mark_due({cycle_id, *self._tie(cycle_id, records)})
        return new

    def _tie(self, cycle_id: str, records: Iterable[Record]) -> list[str]:
        """Note what the aliases and retractions of a cycle change. Return the ids that hang together otherwise now."""
        aliases = [record for record in records if isinstance(record, Alias)]
        retractions = {record.target for record in records if isinstance(record, Retraction)}
        return [*self._add_claims(cycle_id, aliases), *self._retract_claims(retractions)]

    def _add_claims(self, cycle_id: str, aliases: Iterable[Alias]) -> Iterator[str]:
        """Add claims of a cycle. Yield the ids that hang together otherwise than before."""
        for alias in aliases:
            before = claims_of(self._connection, alias.alias_id)
            self._connection.execute(
                "INSERT INTO claims (alias_id, at, cycle_id, record, retracted) "
                "VALUES (?1, ?2, ?3, ?4, EXISTS (SELECT 1 FROM retractions WHERE target = ?4)) ON CONFLICT DO NOTHING",
                (alias.alias_id, alias.at, cycle_id, alias.id),
            )
            if claims_of(self._connection, alias.alias_id) != before:
                yield alias.alias_id
                yield from (claim.cycle_id for claim in before)

    def _retract_claims(self, targets: Iterable[str]) -> Iterator[str]:
        """Note what is retracted. Yield the ids that hang together otherwise than before."""
        for target in targets:
            self._connection.execute("INSERT INTO retractions (target) VALUES (?) ON CONFLICT DO NOTHING", (target,))
            rows = self._connection.execute("SELECT alias_id, cycle_id FROM claims WHERE record = ?", (target,))
            for ids in rows.fetchall():
                yield from ids
            self._connection.execute("UPDATE claims SET retracted = TRUE WHERE record = ?", (target,))

    def _mark_due(self, ids: set[str]) -> None:
        """Have the cycles of these ids folded anew, with all that claims tie to them: their facts hang together.

        Where one is to be folded already, all that is tied to it is, too: so a component is walked once for each fold,
        however many records arrive for it.
        """
        seen = set(ids)
        unseen = list(ids)
        while unseen:
            current = unseen.pop()
            row = self._connection.execute("SELECT due FROM cycles WHERE cycle_id = ?", (current,)).fetchone()
            if row == (DUE_NOW,):
                continue
            self._connection.execute(
                "UPDATE cycles SET due = ?, stable_from = NULL, facts = NULL WHERE cycle_id = ?", (DUE_NOW, current)
            )
            for claim in claims_at(self._connection, current):
                tied = {claim.alias_id, claim.cycle_id} - seen
                seen |= tied
                unseen += tied


def _rejection(reason: str, record: Record) -> Rejection:
    return rejection(reason, f"{record.origin.cycle_id} {encode(record)}".encode())
