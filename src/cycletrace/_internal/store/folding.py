"""Keeping facts beside the records: each cycle is folded anew when records arrived, or when time changes its facts."""

from __future__ import annotations

from typing import NamedTuple

from cycletrace._internal.flow import FACTS_VERSION, Facts, Rules, fold, owners_at
from cycletrace._internal.store.components import component_of, records_of
from cycletrace._internal.store.due import DUE_NOW
from cycletrace._internal.store.facts_codec import encode
from cycletrace._internal.store.settings import SettingsReads
from cycletrace.conventions import OPEN

LARGEST_INSTANT = (1 << 63) - 1
"""The largest integer that SQLite holds."""
KEPT_BY = "rules"
"""What is noted under this made the kept facts: a version of facts, and rules."""


class Refolded(NamedTuple):
    """The cycle of one id, folded anew."""

    cycle_id: str
    owner: str
    """The id of the cycle that what carries this id belongs to."""
    facts: Facts | None
    """``None`` where nothing is known of it yet, or what carries this id belongs to another cycle."""
    new_records: int
    """How many records with this id arrived since the fold before."""


def made_by(rules: Rules) -> str:
    """Return what makes facts here and now, as it is noted in a store."""
    return f"{FACTS_VERSION} {rules.tolerance} {rules.settle} {sorted(rules.production)}"


class FoldWrites(SettingsReads):
    """Folds cycles and keeps their facts."""

    def refold(self, now: int, limit: int, rules: Rules | None = None) -> list[Refolded]:
        """Fold cycles that are due, each once, with all that aliases tie to it.

        Args:
            now: UTC nanoseconds; facts are as of this instant.
            limit: How many folds are begun at most.
            rules: What to fold by, instead of the rules of the store. Where they are not those that made the kept
                facts, every cycle is due.

        Returns:
            The cycles that were folded; an empty list where none is left.
        """
        rules = self.settings().rules if rules is None else rules
        if self._noted(KEPT_BY) != made_by(rules):
            self.refold_all(made_by(rules))
        due = self._connection.execute(
            "SELECT cycle_id FROM cycles WHERE due <= ? ORDER BY due LIMIT ?", (now, limit)
        ).fetchall()
        refolded: dict[str, Refolded] = {}
        for (cycle_id,) in due:
            if cycle_id not in refolded:
                refolded.update((one.cycle_id, one) for one in self._refold_component(cycle_id, now, rules))
        return list(refolded.values())

    def postpone(self, now: int, until: int) -> None:
        """Have the cycle that is the first to be folded at one instant folded at another one."""
        self._connection.execute(
            "UPDATE cycles SET due = ? "
            "WHERE cycle_id = (SELECT cycle_id FROM cycles WHERE due <= ? ORDER BY due LIMIT 1)",
            (until, now),
        )

    def refold_all(self, kept_by: str = FACTS_VERSION) -> None:
        """Have all cycles folded anew whose records are there, and note what will make their facts."""
        self._note(KEPT_BY, kept_by)
        self._connection.execute(
            "UPDATE cycles SET due = ?1, stable_from = NULL, facts = NULL "
            "WHERE NOT pruned AND (due IS NULL OR due <> ?1)",
            (DUE_NOW,),
        )

    def _refold_component(self, cycle_id: str, now: int, rules: Rules) -> list[Refolded]:
        component = component_of(self._connection, cycle_id)
        records = records_of(self._connection, component)
        folded = fold(records, now, rules)
        facts = {one["cycle_id"]: one for one in folded.facts}
        owners = owners_at(records, now)
        refolded = []
        for member in component:
            row = self._connection.execute("SELECT fresh, closed FROM cycles WHERE cycle_id = ?", (member,)).fetchone()
            if row is None:  # claimed, but nothing carries it
                continue
            new_records, closed = row
            one = facts.get(member)
            is_closed = one is not None and one["outcome"] != OPEN
            self._connection.execute(
                "UPDATE cycles SET fresh = 0, due = ?, stable_from = ?, folded = ?, closed = ?, namespace = ?, "
                "model = ?, outcome = ?, facts = ? WHERE cycle_id = ?",
                (
                    _storable(folded.refold_at),
                    _storable(folded.final_from),
                    now,
                    (now if closed is None else closed) if is_closed else None,
                    one and one["namespace"],
                    one and one["model"],
                    one and one["outcome"],
                    one and encode(one),
                    member,
                ),
            )
            refolded.append(Refolded(member, owners.get(member, member), one, new_records))
        return refolded


def _storable(instant: int | None) -> int | None:
    """Return an instant, ``None`` where it is later than any that can be kept, and so never comes."""
    return None if instant is None or instant > LARGEST_INSTANT else instant
