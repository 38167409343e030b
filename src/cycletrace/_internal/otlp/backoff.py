"""How long to wait before the next attempt."""

from __future__ import annotations

FIRST_PAUSE, LONGEST_PAUSE = 0.5, 30.0
"""Seconds."""


class Backoff:
    """Pauses after failures: each twice as long as the one before, up to a limit, and never shorter than asked."""

    def __init__(self, first: float = FIRST_PAUSE, longest: float = LONGEST_PAUSE) -> None:
        """Begin with a pause of ``first`` seconds; none grows beyond ``longest`` unless the server asks for it."""
        self._first = first
        self._longest = longest
        self._pause = 0.0

    def fail(self, retry_after: float | None = None) -> float:
        """Return the seconds to wait after a failure, of which the server asked for ``retry_after``."""
        self._pause = min(max(2 * self._pause, self._first), self._longest)
        return max(self._pause, retry_after or 0.0)

    def reset(self) -> None:
        """Begin anew, after a success."""
        self._pause = 0.0
