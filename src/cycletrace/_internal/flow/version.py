"""The version of facts: what made them. Kept facts of another version are made anew, where their records are there."""

from __future__ import annotations

import json
from hashlib import sha256

from cycletrace import conventions as c

FOLD = 2
"""Raised whenever the fold makes other facts, or other times, of the same records."""

VOCABULARY = (
    c.PARTS,
    c.PART_OF_KIND,
    c.KINDS,
    c.DEPLOYMENT_KINDS,
    c.MARKS,
    c.STAGE_OUTCOMES,
    c.SUCCESSES,
    c.WORDS,
    c.CYCLE_OUTCOMES,
    c.ACTORS,
    c.LAUNCHES,
    c.TRIGGERS,
    c.REASONS,
    c.MECHANISMS,
    c.ACTIVITIES,
)
"""The words that facts hold or depend on. Names of production environments are among the rules."""


def _digest() -> str:
    words = [sorted(one) if isinstance(one, frozenset) else one for one in VOCABULARY]
    return sha256(json.dumps(words).encode()).hexdigest()[:16]


FACTS_VERSION = f"{FOLD}-{_digest()}"
