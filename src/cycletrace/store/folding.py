"""Keeping facts beside the records: each cycle is folded anew when records arrived, or when time changes its facts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from cycletrace.conventions import DEPLOYED, OPEN
from cycletrace.flow import RULES, Facts, Heartbeat, Record, Rules, Stage, Wait, facts_of
from cycletrace.flow.records import began, cut
from cycletrace.flow.rules import SECOND
from cycletrace.store.components import component_of, records_of
from cycletrace.store.connected import Connected
from cycletrace.store.decode import LAST_INSTANT
from cycletrace.store.facts_codec import encode
from cycletrace.store.schema import DUE_NOW

_FOLD = 1
"""Raised whenever the fold changes what it makes of the same records: facts kept by an older one are made anew."""
KEPT_BY = "rules"
"""What the rules that made the kept facts are noted under."""


class Refolded(NamedTuple):
    """The cycle of one id, folded anew."""

    cycle_id: str
    owner: str
    """The id of the cycle that what carries this id belongs to."""
    facts: Facts | None
    """``None`` where nothing is known of it yet, or what carries this id belongs to another cycle."""
    new_records: int
    """How many records with this id arrived since the fold before."""


def kept_rules(rules: Rules) -> str:
    """Return what the facts in a store are made by, as it is noted in the store."""
    return f"{_FOLD} {rules.tolerance} {rules.settle} {sorted(rules.production)}"


class FoldWrites(Connected):
    """Folds cycles and keeps their facts."""

    def refold(self, now: int, limit: int, rules: Rules = RULES) -> list[Refolded]:
        """Fold cycles that are due, each once, with all that aliases tie to it.

        Args:
            now: UTC nanoseconds; facts are as of this instant.
            limit: How many folds are begun at most.
            rules: Where they differ from those that kept facts were made by, every cycle is due.

        Returns:
            The cycles that were folded; an empty list where none is left.
        """
        self._keep_rules(rules)
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

    def _keep_rules(self, rules: Rules) -> None:
        """Have everything folded anew where it was folded by other rules."""
        if self._noted(KEPT_BY) == kept_rules(rules):
            return
        self._note(KEPT_BY, kept_rules(rules))
        self._connection.execute(
            "UPDATE cycles SET due = ?, stable_from = NULL, facts = NULL WHERE NOT pruned", (DUE_NOW,)
        )

    def _refold_component(self, cycle_id: str, now: int, rules: Rules) -> list[Refolded]:
        component = component_of(self._connection, cycle_id)
        records = records_of(self._connection, component)
        facts = {one["cycle_id"]: one for one in facts_of(records, now, rules)}
        owners = component.owners(now)
        horizon = _horizon_of(owners, facts, records, now, rules)
        refolded = []
        for member in component.ids:
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
                    horizon.due,
                    horizon.stable_from,
                    now,
                    (now if closed is None else closed) if is_closed else None,
                    one and one["namespace"],
                    one and one["model"],
                    one and one["outcome"],
                    one and encode(one),
                    member,
                ),
            )
            refolded.append(Refolded(member, owners[member], one, new_records))
        return refolded


class _Horizon(NamedTuple):
    """How long facts hold."""

    due: int | None
    """When they can next change by themselves."""
    stable_from: int | None
    """From when on they hold for good."""


def _horizon_of(
    owners: Mapping[str, str], facts: Mapping[str, Facts], records: Iterable[Record], now: int, rules: Rules
) -> _Horizon:
    """How long the facts of all cycles of a component hold."""
    of_owner: dict[str, list[Record]] = defaultdict(list)
    for record in records:
        of_owner[owners[record.origin.cycle_id]].append(record)
    horizons = [_horizon(facts.get(owner), own, now, rules) for owner, own in of_owner.items()]
    stable = [horizon.stable_from for horizon in horizons if horizon.stable_from is not None]
    return _Horizon(
        due=min((horizon.due for horizon in horizons if horizon.due is not None), default=None),
        stable_from=max(stable) if len(stable) == len(horizons) else None,
    )


def _horizon(facts: Facts | None, records: Sequence[Record], now: int, rules: Rules) -> _Horizon:
    """How long the facts of one cycle hold: to a later instant in its records, until it settles, until a lease ends."""
    last = max(map(_latest, records))
    changes = []
    if last > now:
        changes = [instant for record in records for instant in (began(record), _latest(record)) if instant > now]
    if facts is None or facts["outcome"] == OPEN:
        stable_from = None
        if facts is not None:
            if facts["marks"]["deployed"] is not None:
                known = [_latest(record) for whole in records if (record := cut(whole, now)) is not None]
                changes.append(max(known) + rules.settle)
            changes += _silences(facts, records, now)
    else:
        stable_from = last + rules.settle if facts["outcome"] == DEPLOYED else last
    if last > now or (stable_from is not None and stable_from > LAST_INSTANT):
        stable_from = None
    return _Horizon(min((change for change in changes if change <= LAST_INSTANT), default=None), stable_from)


def _latest(record: Record) -> int:
    """The latest instant in a record."""
    if isinstance(record, (Stage, Wait)):
        return record.start if record.end is None else max(record.start, record.end)
    return record.at


def _silences(facts: Facts, records: Iterable[Record], now: int) -> list[int]:
    """When each running stage counts as lost, if nothing more is heard of it."""
    words = {stage["id"]: stage["start"] for stage in facts["stages"] if stage["end"] is None}
    for wait in facts["waits"]:
        if wait["stage"] in words:
            end = wait["start"] if wait["end"] is None else wait["end"]
            words[wait["stage"]] = max(words[wait["stage"]], wait["start"], end)
    leases: dict[str, int] = {}
    for record in records:
        if not isinstance(record, (Stage, Heartbeat)) or began(record) > now:
            continue
        stage = record.id if isinstance(record, Stage) else record.stage
        if stage in words:
            if isinstance(record, Heartbeat):
                words[stage] = max(words[stage], record.at)
            if record.lease is not None:
                leases[stage] = max(record.lease, leases.get(stage, 0))
    return [words[stage] + lease * SECOND + 1 for stage, lease in leases.items()]
