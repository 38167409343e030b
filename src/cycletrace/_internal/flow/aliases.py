"""Whose records are whose: other keys of a cycle, learnt later."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping

from cycletrace._internal.flow.records import Alias, Record, Retraction


def owners_at(records: Collection[Record], at: int) -> dict[str, str]:
    """Map each id that was claimed by an instant (UTC ns) to the id of the cycle that its records belong to."""
    return owners_of(_aliases(without_retracted(records, at), at))


def without_retracted(records: Collection[Record], at: int) -> Collection[Record]:
    """Return the records without the aliases that a record of the same cycle, known at an instant (ns), retracts."""
    retractions = [record for record in records if isinstance(record, Retraction) and record.at <= at]
    if not retractions:
        return records
    owners = owners_of(_aliases(records, at))
    mistakes = {(owner_of(one.origin.cycle_id, owners), one.target) for one in retractions}
    return [
        record
        for record in records
        if not (isinstance(record, Alias) and (owner_of(record.origin.cycle_id, owners), record.id) in mistakes)
    ]


def owners_of(aliases: Iterable[Alias]) -> dict[str, str]:
    """Map each claimed id to the id of the cycle that its records belong to.

    The first claim wins (instant, then smallest id); chains are followed, and a loop goes by its smallest id.
    Source: the specification, rule 2.5.
    """
    claims: dict[str, tuple[int, str]] = {}
    for alias in aliases:
        claim = (alias.at, alias.origin.cycle_id)
        claims[alias.alias_id] = min(claim, claims.get(alias.alias_id, claim))
    claimant = {claimed: by for claimed, (_, by) in claims.items()}
    owners: dict[str, str] = {}
    for claimed in claimant:
        path: dict[str, None] = {}  # a dict keeps the order in which the chain was walked
        current = claimed
        while current in claimant and current not in path and current not in owners:
            path[current] = None
            current = claimant[current]
        if current in path:
            walked = list(path)
            owner = min(walked[walked.index(current) :])
        else:
            owner = owners.get(current, current)
        owners.update(dict.fromkeys(path, owner))
    return owners


def owner_of(cycle_id: str, owners: Mapping[str, str]) -> str:
    """Return the id of the cycle that records under this id belong to."""
    return owners.get(cycle_id, cycle_id)


def _aliases(records: Iterable[Record], at: int) -> Iterator[Alias]:
    return (record for record in records if isinstance(record, Alias) and record.at <= at)
