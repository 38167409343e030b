"""What is PostgreSQL's own in a store: the server, its errors, its tables. All else is tested with either database."""

from __future__ import annotations

import re
import sqlite3
import threading
from collections.abc import Iterator
from datetime import datetime, timezone

import psycopg
import pytest
from tests.postgres import Server
from tests.store.build import NOW, SECOND, T0, finished, origin, put, read, stage

from cycletrace import conventions as c
from cycletrace._internal.flow import facts_of
from cycletrace._internal.store import DatabaseUrl, StoreError, open_reader, open_store
from cycletrace._internal.store.postgres import database, schema

pytestmark = pytest.mark.postgres


@pytest.fixture
def url(postgres: Server) -> DatabaseUrl:
    return postgres.database()


@pytest.fixture
def raw(url: DatabaseUrl) -> Iterator[psycopg.Connection]:
    """A connection of somebody else."""
    with psycopg.connect(url.uri, autocommit=True) as connection:
        yield connection


def sentence(error: pytest.ExceptionInfo[StoreError]) -> str:
    text = str(error.value)
    assert "\n" not in text
    assert text.endswith(".")
    return text


@pytest.mark.parametrize(
    ("uri", "said"),
    [
        ("postgresql://127.0.0.1:1/x", "cannot be used"),
        ("postgresql://a:b:c@[/x", "is none of PostgreSQL"),
        ("postgresql://127.0.0.1/x?no_such=1", "is none of PostgreSQL"),
    ],
)
def test_a_wrong_url(uri: str, said: str) -> None:
    """It is named without what may be secret in it."""
    with pytest.raises(StoreError) as error:
        open_store(DatabaseUrl(uri))
    assert said in sentence(error)
    assert "b:c" not in sentence(error)


def test_a_password_is_never_shown() -> None:
    url = DatabaseUrl("postgresql://team:s3cret@db.example:5432/cycles?sslpassword=s3cret")
    assert str(url) == "postgresql://db.example:5432/cycles"
    assert "s3cret" not in repr(url)


def test_a_database_that_is_missing(postgres: Server) -> None:
    with pytest.raises(StoreError) as error:
        open_store(DatabaseUrl(postgres.uri("nowhere")))
    assert '"nowhere" does not exist' in sentence(error)


def test_a_user_that_is_unknown(postgres: Server) -> None:
    with pytest.raises(StoreError) as error:
        open_store(DatabaseUrl(postgres.uri("postgres", user="nobody")))
    assert '"nobody" does not exist' in sentence(error)


def test_a_user_without_rights(url: DatabaseUrl, raw: psycopg.Connection) -> None:
    raw.execute("DROP ROLE IF EXISTS visitor")
    raw.execute("CREATE ROLE visitor LOGIN")
    with pytest.raises(StoreError) as error:
        open_store(DatabaseUrl(url.uri.replace("cycletrace@", "visitor@")))
    assert "lacks a right" in sentence(error)


def test_a_schema_of_another_program(url: DatabaseUrl, raw: psycopg.Connection) -> None:
    raw.execute(f"CREATE SCHEMA {schema.SCHEMA}")
    raw.execute(f"CREATE TABLE {schema.SCHEMA}.meta (x INTEGER)")
    for way in (open_store, open_reader):
        with pytest.raises(StoreError) as error:
            way(url)
        assert "belongs to another program" in sentence(error)


def test_nothing_to_read(url: DatabaseUrl) -> None:
    with pytest.raises(StoreError) as error:
        open_reader(url)
    assert "start a collector with it first" in sentence(error)


def test_a_newer_version(url: DatabaseUrl, raw: psycopg.Connection) -> None:
    """It is used where it says that this version can; otherwise refused."""
    open_store(url).close()
    table = f"{schema.SCHEMA}.meta"
    raw.execute(f"UPDATE {table} SET value = '9' WHERE name = 'schema version'")
    open_store(url).close()
    raw.execute(f"UPDATE {table} SET value = '9' WHERE name = 'works with'")
    with pytest.raises(StoreError) as error:
        open_store(url)
    assert "upgrade cycletrace" in sentence(error)
    assert raw.execute(f"SELECT value FROM {table} WHERE name = 'schema version'").fetchone() == ("9",)


def test_several_may_open_a_new_database_at_once(url: DatabaseUrl) -> None:
    failed: list[StoreError] = []

    def begin() -> None:
        try:
            open_store(url).close()
        except StoreError as error:
            failed.append(error)

    threads = [threading.Thread(target=begin) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed


def test_no_more_connections() -> None:
    server = Server("max_connections=4", "superuser_reserved_connections=0", "fsync=off")
    try:
        url = server.database()
        with open_store(url):
            others = [psycopg.connect(url.uri) for _ in range(3)]
            with pytest.raises(StoreError) as error:
                open_reader(url)
            assert "too many clients" in sentence(error)
            for other in others:
                other.close()
            open_reader(url).close()
    finally:
        server.stop()


def test_a_server_that_restarts(postgres: Server, url: DatabaseUrl) -> None:
    """The connection is made again. What was not committed is not there."""
    with open_store(url) as store:
        put(store, finished("churn@1"))

        def write() -> None:
            with store.write() as tx:
                tx.add(finished("churn@2"), NOW)
                postgres.kill()

        with pytest.raises(StoreError, match="cannot be used"):
            write()
        postgres.start()
        assert read(store) == facts_of(finished("churn@1"), NOW)
        put(store, finished("churn@3"))
        assert len(read(store)) == 2


def test_one_is_in_charge_until_its_connection_is_lost(url: DatabaseUrl, raw: psycopg.Connection) -> None:
    with open_store(url) as one, open_store(url) as other:
        for store in (one, other, one):
            store.take_charge()
        assert (one.term, other.term) == (1, None)
        raw.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND objid = 2 AND granted"
        )

        def ask() -> None:
            while True:  # the server ends the connection in its own time
                one.version()

        with pytest.raises(StoreError):
            ask()
        assert one.term is None
        other.take_charge()
        one.take_charge()
        assert (one.term, other.term) == (None, 1)


def test_who_stops_within_a_transaction_holds_nobody_up(url: DatabaseUrl) -> None:
    """As a process does that is stopped by a signal, or whose machine is gone."""
    with open_store(url) as stopped, open_store(url) as other:

        def stop() -> None:
            with stopped.write() as tx:
                tx.add(finished("churn@1"), NOW)
                put(other, finished("churn@2"))  # once the server has ended the other transaction

        with pytest.raises(StoreError):
            stop()
        assert [one["key"] for one in read(other)] == ["churn@2"]


def test_a_commit_is_durable_even_where_the_database_is_configured_otherwise(url: DatabaseUrl) -> None:
    with psycopg.connect(url.uri, autocommit=True) as connection:
        connection.execute(f"ALTER DATABASE {connection.info.dbname} SET synchronous_commit = off".encode())
    with open_store(url) as store:
        assert isinstance(store, database.PostgresStore)
        assert store._raw.execute("SHOW synchronous_commit").fetchone() == ("on",)


def test_texts_that_postgresql_does_not_take(url: DatabaseUrl) -> None:
    """NUL, texts longer than any index takes, everything beyond ASCII: the facts are those of the records."""
    keys = ("a\0b", "\u20ac" * 4096, "x" * 4096, "\\u0000", "'; DROP TABLE records; --", "$1 ? %s")
    records = [one for key in keys for one in finished(key, model=key)]
    with open_store(url) as store:
        put(store, records)
        put(store, records)
        assert read(store) == facts_of(records, NOW)
        for key in keys:
            assert [one["key"] for one in read(store, cycle=key)] == [key]
            assert [one["key"] for one in read(store, model=key)] == [key]


def test_facts_are_tables_for_sql(url: DatabaseUrl, raw: psycopg.Connection) -> None:
    """A user who may read the views alone reads them."""
    records = [*finished("churn@1"), *finished("a\0b"), stage(origin("churn@2"), "train", 5)]
    with open_store(url) as store:
        put(store, records)
        (facts,) = (one for one in read(store) if one["key"] == "churn@1")
    raw.execute("DROP ROLE IF EXISTS grafana")
    raw.execute("CREATE ROLE grafana")
    raw.execute("GRANT USAGE ON SCHEMA cycletrace TO grafana")
    raw.execute("GRANT SELECT ON ALL TABLES IN SCHEMA cycletrace TO grafana")
    raw.execute("SET ROLE grafana")

    def rows(query: str) -> list[tuple[object, ...]]:
        return raw.execute(query.encode()).fetchall()

    def instant(nanoseconds: int | None) -> datetime | None:
        return None if nanoseconds is None else datetime.fromtimestamp(nanoseconds / SECOND, timezone.utc)

    of_cycle = "WHERE cycle_id = (SELECT cycle_id FROM cycletrace.cycles WHERE key = 'churn@1')"
    assert rows("SELECT model, outcome, started, in_use, cycle_s FROM cycletrace.cycles WHERE key = 'churn@1'") == [
        ("churn", "in_use", instant(T0), instant(facts["marks"]["in_use"]), (facts["cycle_time_ns"] or 0) / SECOND)
    ]
    assert rows(f"SELECT name, kind, attempt, started, ended FROM cycletrace.stages {of_cycle} ORDER BY started") == [
        (one["name"], one["kind"], one["attempt"], instant(one["start"]), instant(one["end"]))
        for one in facts["stages"]
    ]
    assert rows(f"SELECT reason, started, ended FROM cycletrace.waits {of_cycle}") == [
        (one["reason"], instant(one["start"]), instant(one["end"])) for one in facts["waits"]
    ]
    assert rows(f"SELECT stage, activity, started, ended FROM cycletrace.owners {of_cycle} ORDER BY started") == [
        (one["stage"], one["activity"], instant(one["start"]), instant(one["end"])) for one in facts["owners"]
    ]
    names = {"key", "trigger", "implicit", "as_of", *c.MARKS, *(f"{name}_s" for name in (*c.PARTS, *c.ACTIVITIES))}
    columns = rows("SELECT column_name FROM information_schema.columns WHERE table_name = 'cycles'")
    assert names <= {name for (name,) in columns}
    assert rows("SELECT count(*), count(in_use) FROM cycletrace.cycles") == [(3, 2)]
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        rows(f"SELECT * FROM {schema.SCHEMA}.records")


def test_both_databases_have_the_same_tables_and_columns(url: DatabaseUrl, raw: psycopg.Connection) -> None:
    """Queries are the same for both, so what they name must be there in both."""
    from cycletrace._internal.store.sqlite.schema import MIGRATIONS

    open_store(url).close()
    found = raw.execute(
        "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = %s", (schema.SCHEMA,)
    ).fetchall()
    lite = sqlite3.connect(":memory:")
    for script in MIGRATIONS:
        lite.executescript(script)
    tables = [name for (name,) in lite.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    wanted = {(table, row[1]) for table in tables for row in lite.execute(f"PRAGMA table_info({table})")}
    lite.close()
    assert set(found) == wanted
    assert re.fullmatch(r"[a-z_]+", schema.SCHEMA)
