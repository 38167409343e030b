"""What readers and writers of a store see of it: all of its subjects, each in a module of its own."""

from __future__ import annotations

from cycletrace.store.folding import FoldWrites
from cycletrace.store.maintenance import MaintenanceReads, MaintenanceWrites
from cycletrace.store.observation import ObservationReads, ObservationWrites
from cycletrace.store.outbox import OutboxWrites
from cycletrace.store.reading import CycleReads
from cycletrace.store.records import RecordWrites
from cycletrace.store.series import SeriesWrites
from cycletrace.store.sources import SourceReads, SourceWrites


class Snapshot(CycleReads, ObservationReads, SourceReads, MaintenanceReads):
    """The store as it was when the block of :meth:`~cycletrace.store.Store.read` began."""


class Transaction(
    Snapshot,
    RecordWrites,
    FoldWrites,
    ObservationWrites,
    SeriesWrites,
    OutboxWrites,
    SourceWrites,
    MaintenanceWrites,
):
    """What the block of :meth:`~cycletrace.store.Store.write` reads, and what it writes: all of it, or nothing."""
