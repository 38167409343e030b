"""Records that cannot be used: each is counted once, however often it is sent."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from hashlib import sha256
from typing import NamedTuple

from cycletrace._internal.store.connected import Connected
from cycletrace._internal.store.decode import sound

HORIZON = 100_000
"""Rejected records, of any reason, after which one that is sent again counts again."""
_KEPT = 1000
"""Rejected records whose beginnings are kept; of older ones there is the count."""
_EXCERPT = 500
"""Characters kept of a rejected record."""


class Rejection(NamedTuple):
    """A record that cannot be used."""

    reason: str
    """Must not hold what a sender wrote: reasons are counted, each by itself."""
    excerpt: str
    """The beginning of what was sent."""
    digest: bytes
    """Distinguishes it from all others."""


def rejection(reason: str, content: bytes) -> Rejection:
    """Return the rejection of a record, of which this was sent."""
    digest = sha256(reason.encode() + b"\0" + content).digest()[:16]
    return Rejection(reason, sound(content[: 4 * _EXCERPT].decode("utf-8", "backslashreplace")[:_EXCERPT]), digest)


class RejectionWrites(Connected):
    """Counts records that cannot be used."""

    def reject(self, now: int, rejections: Iterable[Rejection]) -> Sequence[Rejection]:
        """Count those that were not rejected before, and return them. ``now`` is in UTC nanoseconds."""
        new = [one for one in rejections if self._note_digest(one.digest)]
        if new:
            self._connection.executemany(
                "INSERT INTO rejections (reason, count) VALUES (?1, ?2) "
                "ON CONFLICT (reason) DO UPDATE SET count = rejections.count + ?2",
                Counter(one.reason for one in new).items(),
            )
            self._connection.executemany(
                "INSERT INTO rejected (at, reason, excerpt) VALUES (?, ?, ?)",
                [(now, one.reason, one.excerpt) for one in new[-_KEPT:]],
            )
            for table, kept in (("rejected", _KEPT), ("rejected_digests", HORIZON)):
                self._connection.execute(f"DELETE FROM {table} WHERE id <= (SELECT max(id) FROM {table}) - ?", (kept,))  # noqa: S608
        return new

    def _note_digest(self, digest: bytes) -> bool:
        """Return whether a digest is new."""
        added = self._connection.execute(
            "INSERT INTO rejected_digests (digest) "
            "SELECT ?1 WHERE NOT EXISTS (SELECT 1 FROM rejected_digests WHERE digest = ?1)",
            (digest,),
        )
        return added.rowcount > 0
