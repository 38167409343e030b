"""The door of the collector: who gets in to send, judged before anything of a request is read."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path

from cycletrace._internal.access import EVERYTHING, Grant, bearer, find_grant, foreign_namespace, load_grants
from cycletrace._internal.flow import Record
from cycletrace._internal.otlp.result import Code, ExportResult
from cycletrace._internal.otlp.signals import Request
from cycletrace._internal.watched import Watched

Handle = Callable[[Request], Awaitable[ExportResult]]
Admit = Callable[[str], Handle | ExportResult]
"""Returns what handles the requests of whoever sends this ``Authorization`` header, or why there is nothing."""


class Door:
    """What each token may do now; without a file everybody may do everything."""

    def __init__(self, tokens: Path | None) -> None:
        """Read the tokens.

        Raises:
            OSError: if the file cannot be read.
            ValueError: if it is invalid, or others could have written it.
        """
        self._grants = None if tokens is None else Watched((tokens,), lambda: load_grants(tokens))

    def sender(self, authorization: str) -> Grant | ExportResult:
        """Return what a sender may do, or the refusal."""
        if self._grants is None:
            return EVERYTHING
        token = bearer(authorization)
        grant = find_grant(self._grants.current(), token) if token else None
        if grant is None:
            what = "this token is unknown" if token else "a token is needed"
            return ExportResult(
                Code.UNAUTHENTICATED,
                f"{what}: send one as OTEL_EXPORTER_OTLP_HEADERS=Authorization=Bearer%20TOKEN",
            )
        if not grant.writes:
            return ExportResult(Code.PERMISSION_DENIED, f"the token {grant.name!r} may only read")
        return grant

    def may_read(self, token: str) -> bool:
        """Return whether the holder of a token may see the metrics and the board."""
        if self._grants is None:
            return True
        grant = find_grant(self._grants.current(), token) if token else None
        return grant is not None and grant.reads


def refusal(grant: Grant, records: Iterable[Record]) -> ExportResult | None:
    """Return the refusal of a request with records that its sender must not write, ``None`` if there are none."""
    for record in records:
        origin = record.origin
        reason = foreign_namespace(grant, origin.cycle_id, origin.key, origin.namespace)
        if reason is not None:
            return ExportResult(Code.PERMISSION_DENIED, reason)
    return None
