"""How many random examples a test tries."""

from __future__ import annotations

from hypothesis import settings


def sized(count: int) -> int:
    """Return this many in Hypothesis's profile ``ci``, and a tenth in the profile ``fast``, which is the default."""
    return max(count * settings().max_examples // 100, min(count, 10))
