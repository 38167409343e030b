"""What belongs together: ids tied by claims, found by walking the indexes, and the records of all of them."""

from __future__ import annotations

from collections.abc import Iterable
from math import inf
from typing import NamedTuple

from cycletrace._internal.flow import Alias, Record, RecordOrigin
from cycletrace._internal.store.connected import Connection
from cycletrace._internal.store.record_codec import decode


class Claim(NamedTuple):
    """A claim of an id that decides, or once did: what carries the id belongs to the cycle of another id."""

    alias_id: str
    at: int
    cycle_id: str


def component_of(connection: Connection, cycle_id: str, most: float = inf) -> tuple[str, ...]:
    """Return the ids that claims tie to an id, with that id, in order. They must be folded together.

    Where there are more than ``most``, those found so far suffice.
    """
    ids = {cycle_id}
    unseen = [cycle_id]
    while unseen and len(ids) <= most:
        for claim in claims_at(connection, unseen.pop()):
            for tied in (claim.alias_id, claim.cycle_id):
                if tied not in ids:
                    ids.add(tied)
                    unseen.append(tied)
    return tuple(sorted(ids))


def claims_at(connection: Connection, cycle_id: str) -> list[Claim]:
    """Return the claims that tie an id to others.

    Of several claims of one id the first that is not retracted decides, once it is made: later ones tie nothing. So a
    key that a thousand cycles claim (a git revision) does not make them a thousand that hang together. Whether a
    retraction holds is the fold's to say, so a retracted claim still ties.
    """
    rows = connection.execute(
        "SELECT alias_id, at, cycle_id FROM claims AS one WHERE cycle_id = ? AND NOT EXISTS (SELECT 1 FROM claims "
        "WHERE alias_id = one.alias_id AND NOT retracted AND (at, cycle_id) < (one.at, one.cycle_id))",
        (cycle_id,),
    )
    return [*map(Claim._make, rows), *claims_of(connection, cycle_id)]


def claims_of(connection: Connection, alias_id: str) -> list[Claim]:
    """Return the claims that decide whose an id is: the first that is not retracted, and those before it."""
    rows = connection.execute(
        "SELECT alias_id, at, cycle_id, retracted FROM claims WHERE alias_id = ? ORDER BY at, cycle_id", (alias_id,)
    )
    found = []
    for *claim, is_retracted in rows:
        found.append(Claim._make(claim))
        if not is_retracted:
            break
    return found


def aliases_of(connection: Connection, component: Iterable[str]) -> list[Alias]:
    """Return the claims of a component as the aliases that made them."""
    claims = [claim for cycle_id in component for claim in claims_of(connection, cycle_id)]
    return [Alias(RecordOrigin(claim.cycle_id), "", claim.alias_id, claim.at) for claim in claims]


def records_of(connection: Connection, component: Iterable[str]) -> list[Record]:
    """Return all records that carry an id of a component."""
    records: list[Record] = []
    for cycle_id in component:
        bodies = connection.execute("SELECT body FROM records WHERE cycle_id = ?", (cycle_id,))
        records += decode(cycle_id, (body for (body,) in bodies))
    return records
