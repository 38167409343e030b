"""What belongs together: ids tied by claims, found by walking the indexes, and the records of all of them."""

from __future__ import annotations

import sqlite3
from typing import NamedTuple

from cycletrace._internal.flow import Alias, Record, RecordOrigin
from cycletrace._internal.flow.aliases import owners_of
from cycletrace._internal.store.record_codec import decode


class Claim(NamedTuple):
    """The first claim of an id, the only one that counts: what carries it belongs to the cycle of another id."""

    alias_id: str
    at: int
    cycle_id: str


class Component(NamedTuple):
    """Ids that claims tie to each other. An id that nobody claims and that claims nobody stands alone."""

    ids: tuple[str, ...]
    """In order."""
    claims: tuple[Claim, ...]

    def owners(self, at: int) -> dict[str, str]:
        """Map each id to the id of the cycle that its records belong to, by the claims that were made by an instant."""
        known = (
            Alias(RecordOrigin(claim.cycle_id), "", claim.alias_id, claim.at) for claim in self.claims if claim.at <= at
        )
        owners = owners_of(known)
        return {cycle_id: owners.get(cycle_id, cycle_id) for cycle_id in self.ids}


def component_of(connection: sqlite3.Connection, cycle_id: str) -> Component:
    """Return the component that an id is in."""
    claims: set[Claim] = set()
    ids = {cycle_id}
    unseen = [cycle_id]
    while unseen:
        for claim in claims_at(connection, unseen.pop()):
            claims.add(claim)
            for tied in (claim.alias_id, claim.cycle_id):
                if tied not in ids:
                    ids.add(tied)
                    unseen.append(tied)
    return Component(tuple(sorted(ids)), tuple(sorted(claims)))


def claims_at(connection: sqlite3.Connection, cycle_id: str) -> list[Claim]:
    """Return the claims that tie an id to others.

    Of several claims of one id the first decides, at every instant at which there is any: the others tie nothing. So
    a key that a thousand cycles claim (a git revision) does not make them a thousand that hang together.
    """
    rows = connection.execute(
        "SELECT alias_id, at, cycle_id FROM claims AS one WHERE cycle_id = ? AND NOT EXISTS "
        "(SELECT 1 FROM claims WHERE alias_id = one.alias_id AND (at, cycle_id) < (one.at, one.cycle_id))",
        (cycle_id,),
    )
    own = claim_of(connection, cycle_id)
    return [*map(Claim._make, rows), *([own] if own is not None else [])]


def claim_of(connection: sqlite3.Connection, alias_id: str) -> Claim | None:
    """Return the claim that decides whose an id is, ``None`` where nobody claimed it."""
    row = connection.execute(
        "SELECT alias_id, at, cycle_id FROM claims WHERE alias_id = ? ORDER BY at, cycle_id LIMIT 1", (alias_id,)
    ).fetchone()
    return None if row is None else Claim._make(row)


def records_of(connection: sqlite3.Connection, component: Component) -> list[Record]:
    """Return all records that carry an id of a component."""
    records: list[Record] = []
    for cycle_id in component.ids:
        bodies = connection.execute("SELECT body FROM records WHERE cycle_id = ?", (cycle_id,))
        records += decode(cycle_id, (body for (body,) in bodies))
    return records
