"""Facts as a collector counted them in its metrics: each cycle once, and what changed since.

``cycles.observed`` is the instant at which a cycle was counted, 0 where it is in no population, null before.
"""

from __future__ import annotations

from collections.abc import Iterator
from secrets import token_hex
from typing import TypedDict

from cycletrace._internal.flow import Facts
from cycletrace._internal.store.connected import Connected
from cycletrace._internal.store.facts_codec import decode, encode

_COLLECTOR = "collector"
"""What a collector's name is noted under."""
_PROBED = "probed"
_EXCLUDED = 0
_NO_FACTS = "null"


class Revision(TypedDict):
    """What the facts of an observed cycle became, found out at an instant (UTC nanoseconds)."""

    cycle_id: str
    at: int
    facts: Facts | None
    """``None`` where its records turned out to belong to another cycle."""


class ObservationReads(Connected):
    """Reads what a collector counted."""

    def has_collector(self) -> bool:
        """Return whether a collector keeps this store. Then it alone folds, since it counts what each fold changed."""
        return self._noted(_COLLECTOR) is not None

    def next_closed(self) -> int | None:
        """Return the earliest instant at which a cycle was found closed that is not observed yet."""
        closed: int | None = self._connection.execute(
            "SELECT min(closed) FROM cycles WHERE observed IS NULL AND closed IS NOT NULL"
        ).fetchone()[0]
        return closed

    def observed(self, cycle_id: str) -> Facts | None:
        """Return the facts of a cycle as they were counted, ``None`` where it was not observed yet."""
        row = self._connection.execute("SELECT facts FROM observed WHERE cycle_id = ?", (cycle_id,)).fetchone()
        return None if row is None else decode(row[0])

    def all_observed(self) -> Iterator[Facts]:
        """Yield the facts of all observed cycles as they were counted, by cycle id."""
        for (text,) in self._connection.stream("SELECT facts FROM observed ORDER BY cycle_id"):
            yield decode(text)

    def revisions(self) -> Iterator[Revision]:
        """Yield what became of facts after they were counted, by cycle id and instant."""
        rows = self._connection.stream("SELECT cycle_id, at, facts FROM revisions ORDER BY cycle_id, at")
        for cycle_id, at, text in rows:
            yield Revision(cycle_id=cycle_id, at=at, facts=_decode_revision(text))


class ObservationWrites(Connected):
    """Keeps what a collector counts."""

    def instance_id(self) -> str:
        """Return the name under which this store's metrics are exported, the same after every restart."""
        name = self._noted(_COLLECTOR)
        if name is None:
            name = token_hex(16)
            self._note(_COLLECTOR, name)
        return name

    def probe(self, now: int) -> None:
        """Write something, to find out whether the store can be written."""
        self._note(_PROBED, str(now))

    def unobserved(self, closed_by: int, limit: int) -> list[Facts]:
        """Return the facts of cycles that were first found closed by an instant, and were not observed yet."""
        rows = self._connection.execute(
            "SELECT facts FROM cycles WHERE observed IS NULL AND closed <= ? AND facts IS NOT NULL "
            "ORDER BY closed LIMIT ?",
            (closed_by, limit),
        )
        return [decode(text) for (text,) in rows]

    def observe(self, facts: Facts, at: int) -> None:
        """Keep the facts of a cycle as they are counted at an instant."""
        self._connection.execute("UPDATE cycles SET observed = ? WHERE cycle_id = ?", (at, facts["cycle_id"]))
        self._connection.execute(
            "INSERT INTO observed (cycle_id, at, facts, rolled_back) VALUES (?, ?, ?, FALSE)",
            (facts["cycle_id"], at, encode(facts)),
        )

    def exclude(self, cycle_id: str) -> None:
        """Count nothing of a closed cycle, for now."""
        self._connection.execute("UPDATE cycles SET observed = ? WHERE cycle_id = ?", (_EXCLUDED, cycle_id))

    def include(self, cycle_id: str) -> None:
        """Have a cycle observed after all that was excluded."""
        self._connection.execute(
            "UPDATE cycles SET observed = NULL WHERE cycle_id = ? AND observed = ?", (cycle_id, _EXCLUDED)
        )

    def revise(self, cycle_id: str, at: int, facts: Facts | None) -> bool:
        """Keep what the facts of an observed cycle became. Return whether they changed since they were kept last."""
        row = (
            self._connection.execute(
                "SELECT facts FROM revisions WHERE cycle_id = ? ORDER BY at DESC LIMIT 1", (cycle_id,)
            ).fetchone()
            or self._connection.execute("SELECT facts FROM observed WHERE cycle_id = ?", (cycle_id,)).fetchone()
        )
        # Facts are compared, not texts: words that were added to the vocabulary since are no revision.
        if _decode_revision(row[0]) == facts:
            return False
        self._connection.execute(
            "INSERT INTO revisions (cycle_id, at, facts) VALUES (?, ?, ?) "
            "ON CONFLICT (cycle_id, at) DO UPDATE SET facts = excluded.facts",
            (cycle_id, at, _NO_FACTS if facts is None else encode(facts)),
        )
        return True

    def roll_back(self, cycle_id: str) -> bool:
        """Note that an observed cycle is known to be rolled back. Return whether that is new."""
        changed = self._connection.execute(
            "UPDATE observed SET rolled_back = TRUE WHERE cycle_id = ? AND NOT rolled_back", (cycle_id,)
        )
        return changed.rowcount > 0


def _decode_revision(text: str) -> Facts | None:
    return None if text == _NO_FACTS else decode(text)
