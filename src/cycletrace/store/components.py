"""What belongs together: ids tied by claims, found by walking the indexes, and all that is known of them."""

from __future__ import annotations

import sqlite3
from typing import NamedTuple

from cycletrace.flow import Alias, Origin, Record
from cycletrace.flow.aliases import owner_of, owners_of
from cycletrace.store.codec import decode


class Component(NamedTuple):
    """Ids that claims tie to each other. An id that nobody claims and that claims nobody stands alone."""

    ids: tuple[str, ...]
    """In order."""
    claims: tuple[tuple[str, int, str], ...]
    """Claimed id, instant, claiming id."""

    def owner(self, cycle_id: str, at: int) -> str:
        """The id of the cycle that what carries this id belonged to, as far as the claims were known at an instant."""
        known = (Alias(Origin(by), "", claimed, said) for claimed, said, by in self.claims if said <= at)
        return owner_of(cycle_id, owners_of(known))


def component_of(connection: sqlite3.Connection, cycle_id: str) -> Component:
    """The component that an id is in."""
    claims: set[tuple[str, int, str]] = set()
    ids = {cycle_id}
    unseen = [cycle_id]
    while unseen:
        rows = connection.execute(
            "SELECT alias_id, at, cycle_id FROM claims WHERE alias_id = ?1 OR cycle_id = ?1", (unseen.pop(),)
        )
        for claim in rows:
            claims.add(claim)
            for tied in (claim[0], claim[2]):
                if tied not in ids:
                    ids.add(tied)
                    unseen.append(tied)
    return Component(tuple(sorted(ids)), tuple(sorted(claims)))


def records_of(connection: sqlite3.Connection, component: Component) -> list[Record]:
    """All records that carry an id of a component."""
    records: list[Record] = []
    for cycle_id in component.ids:
        bodies = connection.execute("SELECT body FROM records WHERE cycle_id = ?", (cycle_id,))
        records += decode(cycle_id, (body for (body,) in bodies))
    return records
