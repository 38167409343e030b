"""What readers and writers of a store see of it: all of its subjects, each in a module of its own."""

from __future__ import annotations

from cycletrace._internal.store.folding import FoldWrites
from cycletrace._internal.store.maintenance import MaintenanceReads, MaintenanceWrites
from cycletrace._internal.store.observation import ObservationReads, ObservationWrites
from cycletrace._internal.store.outbox import OutboxWrites
from cycletrace._internal.store.reading import CycleReads
from cycletrace._internal.store.records import RecordWrites
from cycletrace._internal.store.series import SeriesWrites
from cycletrace._internal.store.settings import SettingsWrites
from cycletrace._internal.store.sources import SourceReads, SourceWrites


class Snapshot(CycleReads, ObservationReads, SourceReads, MaintenanceReads):
    """The store as it was when the block of :meth:`Store.read` began."""


class Transaction(
    Snapshot,
    RecordWrites,
    FoldWrites,
    ObservationWrites,
    SeriesWrites,
    OutboxWrites,
    SourceWrites,
    MaintenanceWrites,
    SettingsWrites,
):
    """What the block of :meth:`Store.write` reads, and what it writes: all of it, or nothing."""
