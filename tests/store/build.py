"""Records of whole cycles as a team would make them, and the few calls that most tests of the store share."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from cycletrace import conventions as c
from cycletrace._internal.flow import Alias, Facts, Mark, Record, RecordOrigin, Stage, Wait
from cycletrace._internal.store import Store
from cycletrace._internal.store.sqlite.database import SqliteStore

SECOND = 10**9
T0 = 1_750_000_000 * SECOND
NOW = T0 + 90 * 24 * 3600 * SECOND


def origin(key: str, namespace: str | None = None, model: str | None = "churn") -> RecordOrigin:
    return RecordOrigin(c.cycle_id(namespace or "", key), key, namespace, model)


def stage(of: RecordOrigin, name: str, start: int, end: int | None = None, *, lease: int | None = None) -> Stage:
    """A run at seconds after ``T0``."""
    return Stage(
        of,
        f"{name}-{start}",
        name,
        name if name in c.KINDS else c.OTHER,
        T0 + start * SECOND,
        None if end is None else T0 + end * SECOND,
        None if end is None else c.OK,
        lease=lease,
    )


def mark(of: RecordOrigin, name: str, at: int) -> Mark:
    return Mark(of, name, T0 + at * SECOND)


def alias(of: RecordOrigin, key: str, at: int) -> Alias:
    return Alias(of, key, c.cycle_id(of.namespace or "", key), T0 + at * SECOND)


def finished(key: str, start: int = 0, namespace: str | None = None, model: str = "churn") -> list[Record]:
    """A cycle that was trained, waited, was deployed, and came into use 100 s after its start."""
    of = origin(key, namespace, model)
    return [
        stage(of, "train", start, start + 40),
        Wait(of, f"wait-{start}", "human", T0 + (start + 40) * SECOND, T0 + (start + 60) * SECOND),
        stage(of, "deploy", start + 60, start + 90),
        mark(of, c.IN_USE, start + 100),
    ]


def put(store: Store, records: Iterable[Record], *, fold_at: int | None = NOW) -> None:
    """Add records, and fold what is due at an instant."""
    with store.write() as tx:
        tx.add(records, NOW)
    if fold_at is not None:
        fold(store, fold_at)


def fold(store: Store, at: int = NOW) -> None:
    with store.write() as tx:
        while tx.refold(at, 100):
            pass


def read(
    store: Store, at: int = NOW, *, model: str | None = None, cycle: str | None = None, namespace: str | None = None
) -> list[Facts]:
    with store.read() as snapshot:
        return list(snapshot.facts(at, model=model, cycle=cycle, namespace=namespace))


def sql(store: Store, statement: str, *values: object) -> list[Any]:
    """What the database answers: for what no reader or writer of a store can see or do."""
    if isinstance(store, SqliteStore):
        return store._connection.execute(statement, values).fetchall()
    from cycletrace._internal.store.postgres.database import PostgresStore

    assert isinstance(store, PostgresStore)
    cursor = store._raw.execute(statement.replace("?", "$1").encode(), values)
    return cursor.fetchall() if cursor.description else []
