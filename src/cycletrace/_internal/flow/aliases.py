"""Whose records are whose: other keys of a cycle, learnt later."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from cycletrace._internal.flow.records import Alias


def owners_of(aliases: Iterable[Alias]) -> dict[str, str]:
    """Map each claimed id to the id of the cycle that its records belong to.

    The first claim wins (instant, then smallest id); chains are followed, and a loop goes by its smallest id.
    Source: the design's arithmetic, rule 1.
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
    """The id of the cycle that records under this id belong to."""
    return owners.get(cycle_id, cycle_id)
