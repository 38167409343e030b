"""The tables of a store, and how an older one becomes a newer one.

``records`` are the truth: what arrived, each once, never changed and never merged (merging is flow's). Everything
about cycles in ``cycles`` can be made again from them, until they are pruned.
"""

from __future__ import annotations

import sqlite3

APPLICATION_ID = 0x6379_636C
"""Marks a file as a store of cycletrace, in its header: "cycl"."""

_FIRST = """
CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;

-- body: see record_codec.py. The body is part of the key, so that the same record arriving again changes nothing.
CREATE TABLE records (
    cycle_id TEXT NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (cycle_id, body)
) WITHOUT ROWID;

-- Who claimed whose id, from alias records, to find by index what belongs together.
CREATE TABLE claims (
    alias_id TEXT NOT NULL,
    at INTEGER NOT NULL,
    cycle_id TEXT NOT NULL,
    PRIMARY KEY (alias_id, at, cycle_id)
) WITHOUT ROWID;
CREATE INDEX claims_of_cycle ON claims (cycle_id);

-- Every key that any record stated, of any namespace, and the id that it stands for.
CREATE TABLE keys (
    key TEXT NOT NULL,
    cycle_id TEXT NOT NULL,
    PRIMARY KEY (key, cycle_id)
) WITHOUT ROWID;

-- One row for each id that carries records. What an alias' id carries is counted in the row of its owner.
CREATE TABLE cycles (
    cycle_id TEXT PRIMARY KEY,
    fresh INTEGER NOT NULL,     -- records that arrived since the last fold
    due INTEGER,                -- when a fold can next come out otherwise, by itself, or DUE_NOW: records arrived
    stable_from INTEGER,        -- facts hold, unchanged, at this instant and every later one
    folded INTEGER,             -- the instant of the latest fold
    closed INTEGER,             -- the instant of the fold that first found it closed
    pruned INTEGER NOT NULL DEFAULT 0,  -- its records were removed, its facts stay
    namespace TEXT,
    model TEXT,
    outcome TEXT,
    facts TEXT                  -- JSON, as of folded
);
CREATE INDEX cycles_due ON cycles (due) WHERE due IS NOT NULL;
CREATE INDEX cycles_pruned ON cycles (cycle_id) WHERE pruned;
CREATE INDEX cycles_open ON cycles (model) WHERE outcome = 'open';

-- Records that cannot be used: the latest of them, and how many there ever were.
CREATE TABLE rejected (
    id INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    reason TEXT NOT NULL,
    excerpt TEXT NOT NULL
);
CREATE TABLE rejections (reason TEXT PRIMARY KEY, count INTEGER NOT NULL) WITHOUT ROWID;

-- How far each journal was read.
CREATE TABLE sources (
    name TEXT PRIMARY KEY,
    position INTEGER NOT NULL,  -- bytes
    damaged INTEGER NOT NULL,   -- records that were torn or damaged
    unknown_format INTEGER      -- not null: a version of the journal's format that could not be read
) WITHOUT ROWID;
"""

_OBSERVED = """
-- When a collector counted the cycle in its metrics; 0: it was left out.
ALTER TABLE cycles ADD COLUMN observed INTEGER;
CREATE INDEX cycles_unobserved ON cycles (closed) WHERE observed IS NULL AND closed IS NOT NULL;

-- Facts as they were counted, JSON. rolled_back: it is counted among the rolled back, then or since.
CREATE TABLE observed (
    cycle_id TEXT PRIMARY KEY,
    at INTEGER NOT NULL,
    facts TEXT NOT NULL,
    rolled_back INTEGER NOT NULL
) WITHOUT ROWID;

-- What they became since.
CREATE TABLE revisions (
    cycle_id TEXT NOT NULL,
    at INTEGER NOT NULL,
    facts TEXT NOT NULL,
    PRIMARY KEY (cycle_id, at)
) WITHOUT ROWID;

-- Metrics, JSON: see collector/series.py.
CREATE TABLE series (
    metric TEXT NOT NULL,
    labels TEXT NOT NULL,
    state TEXT NOT NULL,
    PRIMARY KEY (metric, labels)
) WITHOUT ROWID;

-- Serialized requests that have yet to reach a backend.
CREATE TABLE outbox (
    id INTEGER PRIMARY KEY,
    destination TEXT NOT NULL,
    body BLOB NOT NULL
);
CREATE INDEX outbox_of_destination ON outbox (destination, id);
"""

_RETRACTIONS = """
-- The alias record behind each claim, and the ids that retractions name: the first claim of an id that stands decides.
ALTER TABLE claims ADD COLUMN record TEXT;
ALTER TABLE claims ADD COLUMN retracted INTEGER NOT NULL DEFAULT 0;
CREATE INDEX claims_of_record ON claims (record) WHERE record IS NOT NULL;
CREATE TABLE retractions (target TEXT PRIMARY KEY) WITHOUT ROWID;
"""

_OPEN = """
-- All that gauges ask for at each export, so that facts are not read.
DROP INDEX cycles_open;
CREATE INDEX cycles_open ON cycles (model, cycle_id, CASE WHEN facts IS NOT NULL THEN folded END)
    WHERE outcome = 'open';
"""

_DIGESTS = """
-- Which records were rejected, so that one that is sent again is not counted again.
CREATE TABLE rejected_digests (id INTEGER PRIMARY KEY, digest BLOB NOT NULL UNIQUE);
-- Cycles whose records may be removed.
CREATE INDEX cycles_stable ON cycles (stable_from) WHERE stable_from IS NOT NULL AND NOT pruned;
"""

MIGRATIONS = (_FIRST, _OBSERVED, _RETRACTIONS, _OPEN, _DIGESTS)
"""What makes version n + 1 of version n. Only ever appended to."""

VERSION = len(MIGRATIONS)
"""The newest version of the schema, in ``PRAGMA user_version``."""


READ_AS = {
    2: "CREATE TEMP VIEW claims AS SELECT alias_id, at, cycle_id, NULL AS record, 0 AS retracted FROM main.claims",
    3: "",
    4: "",
}
"""What lets a reader read a store of an older version as one of this version, without changing it."""


def migrate(connection: sqlite3.Connection) -> None:
    """Bring a store up to this version, within the transaction that is open."""
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    for script in MIGRATIONS[version:]:
        for statement in script.split(";\n"):  # executescript would commit what is open
            connection.execute(statement)
    connection.execute(f"PRAGMA user_version = {VERSION}")
