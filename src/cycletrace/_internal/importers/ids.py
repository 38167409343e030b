"""Cycles and ids of records that follow from what another system numbers."""

from __future__ import annotations

from typing import NamedTuple

from cycletrace import conventions as c
from cycletrace._internal.flow import Alias, Close, Mark, RecordOrigin, Wait


def origin_of(
    key: str,
    namespace: str,
    *,
    model: str | None = None,
    version: str | None = None,
    domain: str | None = None,
    trigger: str | None = None,
) -> RecordOrigin:
    """Return the cycle with this key. A key ``model@version`` also states model and version, unless they are given."""
    by_key = key.rpartition("@")
    if model is None and version is None and all(by_key):
        model, _, version = by_key
    return RecordOrigin(c.cycle_id(namespace, key), key, namespace or None, model, domain, version, trigger)


class Job(NamedTuple):
    """What another system numbers, as part of a cycle."""

    origin: RecordOrigin
    system: str
    id: str
    attempt: int = 1

    @property
    def stage_id(self) -> str:
        """The id of its stage."""
        return c.job_stage_id(self.origin.cycle_id, self.system, self.id, self.attempt)

    def _record_id(self, span: str) -> str:
        return c.job_record_id(self.origin.cycle_id, self.system, span, self.id, self.attempt)

    def wait(self, reason: str, start: int, end: int | None, stage: str | None = None) -> Wait:
        """Return a wait of this stage, by default of the cycle, that follows from the job."""
        return Wait(self.origin, self._record_id(c.wait_span(reason)), reason, start, end, stage)

    def mark(self, name: str, at: int, environment: str | None = None, mechanism: str | None = None) -> Mark:
        """Return a mark that follows from the job."""
        return Mark(self.origin, name, at, environment, mechanism, self._record_id(c.mark_span(name)))

    def alias(self, key: str, at: int) -> Alias:
        """Return another key that follows from the job."""
        claimed = c.cycle_id(self.origin.namespace or "", key)
        return Alias(self.origin, key, claimed, at, self._record_id(c.ALIAS_SPAN))

    def close(self, outcome: str, at: int) -> Close:
        """Return an outcome that follows from the job."""
        return Close(self.origin, outcome, at, self._record_id(c.CLOSE_SPAN))


def queue_wait(job: Job, queued: int | None, start: int | None, reason: str = "compute") -> tuple[Wait, ...]:
    """Return the wait between the two instants, if there was one.

    The clocks of a queue and of a machine may disagree: what seems to have started before it was queued did not wait.
    Without a start, the job still waits.
    """
    if queued is None or (start is not None and start <= queued):
        return ()
    return (job.wait(reason, queued, start),)
